#include "camvault/keystore_se05x/t1_link.h"

#include <algorithm>
#include <thread>

namespace camvault::keystore_se05x {

namespace {
constexpr std::chrono::milliseconds kSlowestPoll{8};
constexpr std::chrono::milliseconds kWriteTime{
    200};  // an element that works on something does not take a write
}  // namespace

void sleep_for(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
}

T1Link::T1Link(Bus& bus, LinkTimes times, Wait wait) : bus_(bus), times_(times), wait_(std::move(wait)) {}

// Waits a little longer each time; Errc::unavailable when `limit` is used up.
Status T1Link::pause(std::chrono::milliseconds& spent, std::chrono::milliseconds limit) {
  if (spent >= limit) return fail(Errc::unavailable, "the element does not answer");
  const auto step = std::min(step_, limit - spent);
  wait_(step);
  spent += step;
  step_ = std::min(step_ * 2, kSlowestPoll);
  return ok();
}

Status T1Link::send(const T1Block& block) {
  const auto frame = encode_t1_frame(T1Sender::host, block);
  std::chrono::milliseconds spent{0};
  step_ = times_.poll;
  for (;;) {
    const auto written = bus_.write(frame);
    if (written || written.error().code != Errc::unavailable) return written;
    CAM_TRY_STATUS(pause(spent, kWriteTime));
  }
}

// UM11225 3.1.4: NAD and PCB until somebody acknowledges, then LEN, then the rest.
Result<Bytes> T1Link::read_frame() {
  std::chrono::milliseconds spent{0};
  step_ = times_.poll;
  Bytes frame(2);
  for (;;) {
    const auto head = bus_.read(frame);
    if (head) break;
    if (head.error().code != Errc::unavailable) return tl::unexpected(head.error());
    CAM_TRY_STATUS(pause(spent, times_.answer));
  }
  frame.resize(kT1Head);
  CAM_TRY_STATUS(bus_.read(std::span(frame).last(1)));
  const std::size_t rest = frame[2] + kT1Crc;
  frame.resize(kT1Head + rest);
  CAM_TRY_STATUS(bus_.read(std::span(frame).last(rest)));
  return frame;
}

Result<T1Block> T1Link::receive() {
  CAM_TRY(const auto frame, read_frame());
  return decode_t1_frame(T1Sender::element, frame);
}

// A supervisory block and its response; anything else that comes is old.
Result<T1Block> T1Link::request(T1Supervisory what, BytesView information) {
  Error last{Errc::unavailable, "the element does not answer"};
  for (unsigned i = 0; i < kMaxRepeats; ++i) {
    CAM_TRY_STATUS(send(T1Block::make_request(what, information)));
    auto block = receive();
    if (block && block->kind == T1Block::Kind::response && block->what == what) return block;
    if (!block) {
      if (block.error().code == Errc::io) return block;
      last = block.error();
    }
  }
  return tl::unexpected(std::move(last));
}

Status T1Link::open() {
  CAM_TRY_STATUS(request(T1Supervisory::resynch));
  next_ = false;
  expected_ = false;
  CAM_TRY(auto answer, request(T1Supervisory::answer_to_reset));
  answer_to_reset_ = std::move(answer.information);
  return ok();
}

Status T1Link::reset_element() {
  CAM_TRY_STATUS(request(T1Supervisory::interface_reset));
  return open();
}

Status T1Link::close() {
  CAM_TRY_STATUS(request(T1Supervisory::end_of_apdu));
  return ok();
}

Result<T1Block> T1Link::converse(const T1Block& block) {
  CAM_TRY_STATUS(send(block));
  unsigned repeats = 0;
  unsigned more_time = 0;
  std::chrono::milliseconds waited{0};
  for (;;) {
    auto got = receive();
    if (!got) {
      if (got.error().code == Errc::io) return got;
      // Lost, or broken on the way: ISO/IEC 7816-3 11.6.3.2, rule 7: ask for it again.
      if (++repeats > kMaxRepeats) return got;
      const auto why = got.error().code == Errc::invalid ? T1Error::crc : T1Error::other;
      CAM_TRY_STATUS(send(T1Block::make_ready(expected_, why)));
      continue;
    }
    if (got->kind == T1Block::Kind::request && got->what == T1Supervisory::waiting_time) {
      waited += times_.answer;
      if (++more_time > kMaxMoreTime || waited > times_.total)
        return fail(Errc::unavailable, "the element asks for more and more time");
      constexpr std::uint8_t kGranted[] = {1};
      CAM_TRY_STATUS(send(T1Block::make_response(T1Supervisory::waiting_time, kGranted)));
      continue;
    }
    if (got->kind == T1Block::Kind::receive_ready && block.kind == T1Block::Kind::information &&
        got->sequence == block.sequence) {
      // The element waits for the block that we sent: it did not get it.
      if (++repeats > kMaxRepeats) return fail(Errc::unavailable, "the element does not take a block");
      CAM_TRY_STATUS(send(block));
      continue;
    }
    return got;
  }
}

// All blocks of the command; `first` is what came after the last of them.
Status T1Link::send_command(BytesView command, T1Block& first) {
  while (true) {
    const auto piece = command.first(std::min(command.size(), kT1MaxInf));
    command = command.subspan(piece.size());
    const bool more = !command.empty();
    CAM_TRY(auto got, converse(T1Block::make_information(next_, more, piece)));
    next_ = !next_;
    if (!more) {
      first = std::move(got);
      return ok();
    }
    if (got.kind != T1Block::Kind::receive_ready || got.sequence != next_)
      return fail(Errc::malformed, "T=1: the element does not take a chain");
  }
}

Result<Bytes> T1Link::exchange(BytesView command) {
  T1Block block;
  CAM_TRY_STATUS(send_command(command, block));
  Bytes answer;
  for (;;) {
    if (block.kind != T1Block::Kind::information || block.sequence != expected_)
      return fail(Errc::malformed, "T=1: another block than the one that is due");
    expected_ = !expected_;
    if (answer.size() + block.information.size() > kMaxAnswer)
      return fail(Errc::limit, "T=1: endless answer");
    append(answer, block.information);
    if (!block.more) return answer;
    CAM_TRY(block, converse(T1Block::make_ready(expected_, T1Error::none)));
  }
}

}  // namespace camvault::keystore_se05x
