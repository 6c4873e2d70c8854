// The sample tables (`stbl`, ISO/IEC 14496-12 8.5 to 8.7) of one track of a fragmented file of ours. Every
// table is written in a pass of its own over the fragments: nothing is kept per sample.
#pragma once

#include <functional>
#include <vector>

#include "file_appender.h"
#include "mp4_boxes.h"
#include "mp4_metadata.h"

namespace camvault::container {

struct TrackTotals {
  std::uint32_t samples = 0;
  std::uint64_t duration = 0;     // of the media, in its timescale
  std::uint64_t start = 0;        // decoding time of the first sample
  std::uint64_t shown_until = 0;  // end of the last picture in presentation order, from `start`
  bool offsets = false;
  bool negative_offsets = false;
  bool all_sync = true;
  bool large = false;
};

class SampleTables {
 public:
  // `file` and `moofs` (their offsets) must outlive it.
  SampleTables(BytesView file, const std::vector<std::uint64_t>& moofs, const TrackDefaults& defaults)
      : file_(file), moofs_(moofs), defaults_(defaults) {}

  Result<TrackTotals> totals() const;
  // `stbl` is the body of the fragmented file's own, which has the sample description unless `metadata` has.
  Status write(FileAppender& out, BytesView stbl, const TrackTotals& totals,
               const MetadataDescription* metadata) const;

 private:
  using UseSample = std::function<Status(const FragmentSample&)>;
  using ValueOf = std::function<std::uint32_t(const FragmentSample&)>;

  Status each_sample(const UseSample& use) const;
  Status write_runs(FileAppender& out, std::uint32_t type, std::uint32_t version,
                    const ValueOf& value_of) const;
  Status write_stss(FileAppender& out) const;
  Status write_stsc(FileAppender& out) const;
  Status write_chunk_offsets(FileAppender& out, bool large) const;

  BytesView file_;
  const std::vector<std::uint64_t>& moofs_;
  TrackDefaults defaults_;
};

}  // namespace camvault::container
