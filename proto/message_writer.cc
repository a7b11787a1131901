// The writers of ProtoForm: Message, Ack, Publish and PublishBatch by hand, the rest by the library.
#include <cassert>
#include <utility>

#include "proto/envelope.h"
#include "proto/library_form.h"
#include "proto/proto_form.h"
#include "proto/wire_message.h"
#include "proto/wire_writer.h"

namespace ringcast::proto {

namespace {

// `out` becomes the envelope with one field, `body`.
template <class Body>
void write_enveloped(std::uint32_t field, const Body& body, std::vector<std::uint8_t>& out) {
  WireSize size;
  put(body, size);
  out.resize(1 + varint_size(size.size()) + size.size());
  WireWriter writer(out);
  writer.begin(field, size.size());
  put(body, writer);
  assert(writer.full());
}

}  // namespace

void ProtoForm::write(const Message& message, std::vector<std::uint8_t>& out) {
  write_enveloped(kMessageField, message, out);
}

void ProtoForm::write(const Ack& ack, std::vector<std::uint8_t>& out) {
  write_enveloped(kAckField, ack, out);
}

void ProtoForm::write(const Publish& publish, std::vector<std::uint8_t>& out) {
  write_enveloped(kPublishField, publish, out);
}

void ProtoForm::write(const Request& request, std::vector<std::uint8_t>& out) {
  if (const auto* const publish = std::get_if<Publish>(&request)) return write(*publish, out);
  if (const auto* const batch = std::get_if<PublishBatch>(&request)) {
    return write_enveloped(kPublishBatchField, *batch, out);
  }
  LibraryForm::write_wire(request, out);
}

void ProtoForm::write(const Event& event, std::vector<std::uint8_t>& out) {
  if (const auto* const message = std::get_if<Message>(&event)) return write(*message, out);
  if (const auto* const ack = std::get_if<Ack>(&event)) return write(*ack, out);
  LibraryForm::write_wire(event, out);
}

}  // namespace ringcast::proto
