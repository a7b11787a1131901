#include "broker/io/tag.h"

#include <doctest/doctest.h>

#include <initializer_list>

namespace ringcast::io {

TEST_CASE("a tag returns its slot untouched, at both ends of both ranges") {
  for (const std::uint32_t index : {0U, 1U, 0x8000U, Tag::kIndexMax}) {
    for (const std::uint32_t generation : {0U, 1U, 0x8000'0000U, 0xffff'ffffU}) {
      for (const auto request : {Tag::Request::accept, Tag::Request::wake}) {
        const SlotId slot{index, generation};
        const Tag tag = Tag::from_user_data(Tag::of(request, slot).user_data());
        CHECK(tag.slot() == slot);
        CHECK(tag.request == request);
      }
    }
  }
}

TEST_CASE("a tag keeps the slot of nobody") {
  const Tag tag = Tag::from_user_data(Tag::of(Tag::Request::accept, SlotId{}).user_data());
  CHECK(tag.slot() == SlotId{});
  CHECK_FALSE(tag.slot().valid());
}

}  // namespace ringcast::io
