#include "raw_stream.h"

namespace camvault::container {

using codec::Codec;
using codec::UnitKind;

bool looks_like_raw_stream(BytesView file) {
  std::size_t zeros = 0;
  // Some writers begin with a few zero bytes more than the start code has.
  while (zeros < file.size() && zeros < 16 && file[zeros] == 0) ++zeros;
  return zeros >= 2 && zeros < file.size() && file[zeros] == 1;
}

bool begins_access_unit(Codec codec, const codec::UnitInfo& info) {
  const auto type = info.type;
  if (info.kind == UnitKind::slice) return info.first_slice;
  if (codec == Codec::h264)
    return (type >= 6 && type <= 9) || (type >= 14 && type <= 18);  // SEI, SPS, PPS, delimiter, ...
  return (type >= 32 && type <= 35) || type == 39 || (type >= 41 && type <= 44) || (type >= 48 && type <= 55);
}

std::optional<AccessUnitReader::Unit> AccessUnitReader::take() {
  if (ahead_used_ < ahead_.size()) return ahead_[ahead_used_++];
  ahead_.clear();
  ahead_used_ = 0;
  return reader_.next();
}

// Reads on to the next slice. Without one, all that is left stands in `ahead_`.
bool AccessUnitReader::slice_is_ahead() {
  for (auto i = ahead_used_; i < ahead_.size(); ++i) {
    if (codec::classify(codec_, ahead_[i].bytes).kind == UnitKind::slice) return true;
  }
  while (ahead_.size() - ahead_used_ < kMaxUnits) {
    const auto unit = reader_.next();
    if (!unit) return false;
    ahead_.push_back(*unit);
    if (codec::classify(codec_, unit->bytes).kind == UnitKind::slice) return true;
  }
  return true;
}

std::optional<AccessUnitReader::Found> AccessUnitReader::next() {
  units_.clear();
  Found result;
  bool has_slice = false;
  bool in_tail = false;  // behind the last picture: those units belong to it
  while (const auto unit = take()) {
    const auto info = codec::classify(codec_, unit->bytes);
    const bool begins = has_slice && !in_tail && begins_access_unit(codec_, info);
    if (begins || units_.size() >= kMaxUnits) {
      if (ahead_used_ > 0) {
        --ahead_used_;
      } else {
        ahead_.push_back(*unit);
      }
      if (!begins || info.kind == UnitKind::slice || slice_is_ahead()) break;
      in_tail = true;
      continue;
    }
    if (units_.empty()) result.offset = unit->offset;
    units_.push_back(unit->bytes);
    has_slice |= info.kind == UnitKind::slice;
    result.keyframe |= info.gop_start;
  }
  if (units_.empty()) return std::nullopt;
  result.units = units_;
  return result;
}

}  // namespace camvault::container
