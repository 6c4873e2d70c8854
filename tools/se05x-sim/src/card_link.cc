#include "card_link.h"

#include <algorithm>

#include "camvault/base/byte_writer.h"
#include "camvault/keystore_se05x/apdu.h"

namespace camvault::se05x_sim {

using keystore_se05x::T1Block;
using keystore_se05x::T1Error;
using keystore_se05x::T1Sender;
using keystore_se05x::T1Supervisory;

namespace {
constexpr std::size_t kMaxChained = 4 * 1024;
constexpr std::uint8_t kFiller = 0xFF;
constexpr std::uint8_t kVendor[] = {0xA0, 0x00, 0x00, 0x03, 0x96};
constexpr std::string_view kHistory = "SIMULATION";

// Answer to reset, in the layout of UM11225 table 8.
Bytes answer_to_reset() {
  ByteWriter out;
  out.u8(0x00);  // protocol version
  out.raw(kVendor);
  out.u8(0x04);
  out.u16(1000);    // block waiting time, ms
  out.u16(0x00FE);  // information field
  out.u8(0x02);     // I2C
  out.u8(0x0B);
  out.u16(1000);  // clock, kHz
  out.u8(0x08);
  out.u8(0x01);
  out.fill(3, 0);
  out.u16(100);  // guard time, us
  out.u16(0);    // wake-up time
  out.u8(static_cast<std::uint8_t>(kHistory.size()));
  out.raw(as_bytes(kHistory));
  return out.take();
}
}  // namespace

CardLink::CardLink(Upper upper, std::size_t chunk)
    : upper_(std::move(upper)), chunk_(std::clamp<std::size_t>(chunk, 1, keystore_se05x::kT1MaxInf)) {}

void CardLink::restart() {
  expected_ = false;
  own_ = false;
  sent_any_ = false;
  command_.clear();
  answer_.clear();
  sent_ = 0;
  last_block_.clear();
  waiting_ = 0;
}

bool CardLink::write(BytesView frame) {
  if (std::chrono::steady_clock::now() < silent_until_) return false;
  pending_.clear();
  read_ = 0;
  const auto block = keystore_se05x::decode_t1_frame(T1Sender::host, frame);
  if (!block) {
    send(T1Block::make_ready(expected_, block.error().code == Errc::invalid ? T1Error::crc : T1Error::other));
    return true;
  }
  switch (block->kind) {
    case T1Block::Kind::information:
      on_information(*block);
      break;
    case T1Block::Kind::receive_ready:
      on_ready(*block);
      break;
    case T1Block::Kind::request:
      on_request(*block);
      break;
    case T1Block::Kind::response:
      if (block->what == T1Supervisory::waiting_time) send_next_chunk();
      break;
  }
  return true;
}

std::optional<Bytes> CardLink::read(std::size_t count) {
  if (count == 0 || std::chrono::steady_clock::now() < silent_until_ || read_ >= pending_.size())
    return std::nullopt;
  const auto end = std::min(pending_.size(), read_ + count);
  Bytes out(pending_.begin() + static_cast<std::ptrdiff_t>(read_),
            pending_.begin() + static_cast<std::ptrdiff_t>(end));
  out.resize(count, kFiller);
  read_ = end;
  return out;
}

void CardLink::on_information(const T1Block& block) {
  if (block.sequence != expected_) {  // again what we had: our answer got lost
    pending_ = last_block_;
    return;
  }
  if (command_.size() + block.information.size() > kMaxChained) {
    command_.clear();
    send(T1Block::make_ready(expected_, T1Error::other));
    return;
  }
  expected_ = !expected_;
  append(command_, block.information);
  if (block.more) {
    send(T1Block::make_ready(expected_, T1Error::none));
    return;
  }
  run_command();
}

// ISO/IEC 7816-3 11.6.3: the host names the block of ours that it waits for.
void CardLink::on_ready(const T1Block& block) {
  if (sent_any_ && block.sequence == own_ && sent_ < answer_.size()) {
    send_next_chunk();
  } else if (sent_any_ && block.sequence != own_) {
    pending_ = last_block_;
  } else {
    send(T1Block::make_ready(expected_, T1Error::none));
  }
}

void CardLink::on_request(const T1Block& block) {
  switch (block.what) {
    case T1Supervisory::resynch:
      restart();
      send(T1Block::make_response(block.what));
      break;
    case T1Supervisory::answer_to_reset:
      send(T1Block::make_response(block.what, answer_to_reset()));
      break;
    case T1Supervisory::interface_reset:
      restart();
      upper_.deselect();
      send(T1Block::make_response(block.what, answer_to_reset()));
      break;
    case T1Supervisory::chip_reset:
      restart();
      upper_.power_cycle();
      send(T1Block::make_response(block.what));
      break;
    case T1Supervisory::end_of_apdu:
    case T1Supervisory::deep_power_down:
      upper_.deselect();
      send(T1Block::make_response(block.what));
      break;
    case T1Supervisory::information_size:
      if (block.information.size() == 1 && block.information[0] != 0)
        chunk_ = std::min<std::size_t>(block.information[0], keystore_se05x::kT1MaxInf);
      send(T1Block::make_response(block.what, block.information));
      break;
    case T1Supervisory::abort:
      command_.clear();
      answer_.clear();
      sent_ = 0;
      send(T1Block::make_response(block.what));
      break;
    case T1Supervisory::waiting_time:
      send(T1Block::make_response(block.what, block.information));
      break;
  }
}

std::optional<Fault> CardLink::due_fault() {
  for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
    if (fault->after-- > 0) continue;
    const auto due = *fault;
    faults_.erase(fault);
    return due;
  }
  return std::nullopt;
}

Bytes CardLink::with_faults(Bytes answer, const Fault& fault) {
  switch (fault.kind) {
    case Fault::Kind::truncate:
      if (answer.size() > 2) answer.erase(answer.end() - 3);  // a byte before the status
      break;
    case Fault::Kind::replay:
      if (!last_answer_.empty()) return last_answer_;
      break;
    case Fault::Kind::alter:
      answer.front() ^= 0x01;
      break;
    case Fault::Kind::flip_crc:
      flip_crc_ = true;
      break;
    case Fault::Kind::drop:
      drop_ = true;
      break;
    case Fault::Kind::more_time:
      waiting_ = fault.amount;
      break;
    case Fault::Kind::delay:
      silent_until_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(fault.amount);
      break;
    case Fault::Kind::reset:
    case Fault::Kind::power_cut_before:
    case Fault::Kind::power_cut_after:
      break;
  }
  return answer;
}

void CardLink::run_command() {
  const auto fault = due_fault();
  const auto command = std::exchange(command_, {});
  const bool cut_before =
      fault && (fault->kind == Fault::Kind::power_cut_before || fault->kind == Fault::Kind::reset);
  if (cut_before) {
    upper_.power_cycle();
    restart();
    return;
  }
  auto answer = upper_.process(command);
  if (fault && fault->kind == Fault::Kind::power_cut_after) {
    upper_.power_cycle();
    restart();
    return;
  }
  const Bytes genuine = answer;
  if (fault) answer = with_faults(std::move(answer), *fault);
  last_answer_ = genuine;
  answer_ = std::move(answer);
  sent_ = 0;
  send_next_chunk();
}

void CardLink::send_next_chunk() {
  if (waiting_ > 0) {
    --waiting_;
    constexpr std::uint8_t kOneMore[] = {1};
    const auto request = T1Block::make_request(T1Supervisory::waiting_time, kOneMore);
    send(request);
    return;
  }
  if (sent_ >= answer_.size()) return;
  const auto count = std::min(chunk_, answer_.size() - sent_);
  const bool more = sent_ + count < answer_.size();
  const auto block = T1Block::make_information(own_, more, BytesView(answer_).subspan(sent_, count));
  sent_ += count;
  own_ = !own_;
  sent_any_ = true;
  send(block);
}

void CardLink::send(const T1Block& block) {
  pending_ = encode_t1_frame(T1Sender::element, block);
  read_ = 0;
  last_block_ = pending_;
  if (std::exchange(flip_crc_, false)) pending_.back() ^= 0x01;
  if (std::exchange(drop_, false)) pending_.clear();
}

}  // namespace camvault::se05x_sim
