// PublishReader: Publish and PublishBatch from Protocol Buffers, by hand.
//
// What it gives borrows from the input, or from the reader until its next begin(). Thread: one.
// Hot path: read() runs once per publish. No allocation in the steady state.
#pragma once

#include <expected>
#include <vector>

#include "proto/fault.h"
#include "proto/header_collector.h"
#include "proto/json_text.h"
#include "proto/made_text.h"
#include "proto/request.h"
#include "proto/wire_reader.h"

namespace ringcast::proto {

class PublishReader {
 public:
  // The body of a Publish, without tag and length. Faults are relative to it.
  [[nodiscard]] std::expected<Publish, Fault> read(Bytes body);
  // The same of a PublishBatch.
  [[nodiscard]] std::expected<PublishBatch, Fault> read_batch(Bytes body);

 private:
  [[nodiscard]] std::expected<Publish, Fault> read_one(Bytes body);
  [[nodiscard]] std::expected<Publish, Fault> read_fields(Bytes body);
  [[nodiscard]] std::optional<Fault> check_payload(const Publish& publish);

  MadeText headers_;
  JsonJudge json_{kJsonDepthMax};
  std::vector<Publish> batch_;
};

// The value of field 1, wherever it comes before the encoding breaks; 0 if there is none.
[[nodiscard]] std::uint64_t find_id(Bytes body) noexcept;

}  // namespace ringcast::proto
