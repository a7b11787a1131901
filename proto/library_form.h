// LibraryForm: reads and writes all that is not hot, in both forms, by libprotobuf and its descriptors.
//
// Results borrow from it until its next call. Thread: one.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>
#include <vector>

#include "proto/event.h"
#include "proto/fault.h"
#include "proto/json_cursor.h"
#include "proto/made_text.h"
#include "proto/request.h"

namespace ringcast::proto {

class LibraryForm {
 public:
  LibraryForm();
  ~LibraryForm();
  LibraryForm(const LibraryForm&) = delete;
  LibraryForm& operator=(const LibraryForm&) = delete;

  // Field `number` of ClientMessage or ServerMessage, without tag and length.
  [[nodiscard]] std::expected<Request, Fault> read_request(std::uint32_t number, Bytes body);
  [[nodiscard]] std::expected<Event, Fault> read_event(std::uint32_t number, Bytes body);

  // Member `name` of the JSON form of one, at whose value the cursor is.
  [[nodiscard]] std::expected<Request, Fault> read_request(std::string_view name, JsonCursor& cursor, MadeText& made);
  [[nodiscard]] std::expected<Event, Fault> read_event(std::string_view name, JsonCursor& cursor, MadeText& made);

  // Replace `out` by the encoding of what is not written by hand.
  static void write_wire(const Request& request, std::vector<std::uint8_t>& out);
  static void write_wire(const Event& event, std::vector<std::uint8_t>& out);
  static void write_json(const Request& request, std::vector<std::uint8_t>& out);
  static void write_json(const Event& event, std::vector<std::uint8_t>& out);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace ringcast::proto
