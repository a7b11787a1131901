// FreedBy: ends the life of a C library's object by that library's function, for std::unique_ptr:
// `std::unique_ptr<BIO, FreedBy<BIO_free>>`.
#pragma once

namespace ringcast::broker {

template <auto kFree>
struct FreedBy {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};

}  // namespace ringcast::broker
