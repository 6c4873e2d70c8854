#include "supplement_maker.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace camvault::signed_video {

namespace {

// GOPs whose SEI went out unsigned wait for the next supplement; the oldest give way.
constexpr std::size_t kMaxCarriedGops = 64;

template <class T>
void keep_newest(std::vector<T>& sections) {
  if (sections.size() > kMaxCarriedGops)
    sections.erase(sections.begin(), sections.end() - static_cast<std::ptrdiff_t>(kMaxCarriedGops));
}

bool names_next_key(const CarriedRecord& record) {
  return record.type == static_cast<std::uint16_t>(RecordType::next_key);
}

}  // namespace

SupplementMaker::SupplementMaker(const crypto::Engine& engine, crypto::HashAlg hash)
    : engine_(engine), hash_(hash) {
  engine.random(session_);
}

void SupplementMaker::add_gop(GopSection section) {
  gops_.push_back(std::move(section));
  keep_newest(gops_);
}

Status SupplementMaker::add_record(RecordType type, Bytes value) {
  if (type < RecordType::time_stamp || type == RecordType::next_key || type == RecordType::signature)
    return fail(Errc::usage, "not a record that a caller can add");
  if (value.size() > kMaxRecordSize) return fail(Errc::limit, "record longer than 64 KiB");
  const std::lock_guard lock(records_mutex_);
  if (records_.size() == kMaxWaitingRecords) return fail(Errc::limit, "too many records wait already");
  records_.push_back({static_cast<std::uint16_t>(type), std::move(value)});
  return ok();
}

void SupplementMaker::announce(const NextKeyRecord& next) {
  announced_ = false;
  next_ = next;
}

void SupplementMaker::is_in_stream(const Supplement& content) {
  announced_ = announced_ || std::any_of(content.records.begin(), content.records.end(), names_next_key);
}

Result<WaitingSupplement> SupplementMaker::make(std::vector<TrackSection> tracks) {
  WaitingSupplement made;
  auto& content = made.content;
  content.session = session_;
  content.number = number_++;
  content.hash = hash_;
  content.previous = previous_;
  content.gops = std::exchange(gops_, {});
  content.tracks = std::exchange(tracks_, {});
  for (auto& track : tracks) content.tracks.push_back(std::move(track));
  {
    const std::lock_guard lock(records_mutex_);
    content.records = std::exchange(records_, {});
  }
  if (next_)
    content.records.push_back({static_cast<std::uint16_t>(RecordType::next_key), encode_record(*next_)});
  auto body = supplement_body(content);
  // What does not fit is not covered; the recording goes on.
  if (!body && content.gops.size() > 1) content.gops.erase(content.gops.begin(), content.gops.end() - 1);
  if (!body) {
    content.tracks.clear();
    body = supplement_body(content);
  }
  CAM_TRY(made.body, std::move(body));
  made.digest = previous_ = engine_.digest(hash_, supplement_document(made.body));
  made.slot = std::make_shared<SignatureSlot>();
  return made;
}

void SupplementMaker::take_back(Supplement content) {
  for (auto& gop : content.gops) gops_.push_back(std::move(gop));
  std::sort(gops_.begin(), gops_.end(), [](const auto& a, const auto& b) { return a.counter < b.counter; });
  keep_newest(gops_);
  for (auto& track : content.tracks) tracks_.push_back(std::move(track));
  keep_newest(tracks_);
  std::erase_if(content.records, names_next_key);  // said anew while it holds
  const std::lock_guard lock(records_mutex_);
  records_.insert(records_.begin(), std::make_move_iterator(content.records.begin()),
                  std::make_move_iterator(content.records.end()));
}

}  // namespace camvault::signed_video
