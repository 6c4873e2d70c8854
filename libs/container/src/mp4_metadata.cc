#include "mp4_metadata.h"

#include <algorithm>

#include "camvault/base/file.h"
#include "mp4_boxes.h"
#include "track.h"

namespace camvault::container {

namespace {
constexpr std::size_t kMaxDescription = 64 * 1024;
constexpr std::uint16_t kThisFile = 1;  // the one data reference that our files have

// Type and number of entries as a full box has them; each entry names this file as the place of its data.
Result<std::uint32_t> type_of_entries(BytesView stsd) {
  ByteReader in(stsd);
  CAM_TRY_STATUS(in.skip(4));  // version and flags
  CAM_TRY(const auto count, in.u32());
  std::uint32_t type = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    CAM_TRY(const auto entry, next_box(in));
    ByteReader head(entry.body);
    CAM_TRY_STATUS(head.skip(6));
    CAM_TRY(const auto place, head.u16());
    if (place != kThisFile) return fail(Errc::unsupported, "samples in another file");
    if (i == 0) type = entry.type;
  }
  if (type == 0 || !in.at_end()) return fail(Errc::malformed, "sample description");
  return type;
}

std::optional<MetadataDescription> description_in(BytesView trak) {
  const auto mdia = find_box(trak, fourcc("mdia"));
  const auto hdlr = mdia ? find_box(mdia->body, fourcc("hdlr")) : std::nullopt;
  const auto minf = mdia ? find_box(mdia->body, fourcc("minf")) : std::nullopt;
  const auto stbl = minf ? find_box(minf->body, fourcc("stbl")) : std::nullopt;
  const auto stsd = stbl ? find_box(stbl->body, fourcc("stsd")) : std::nullopt;
  if (!hdlr || !stsd || hdlr->whole.size() > kMaxDescription || stsd->whole.size() > kMaxDescription)
    return {};
  ByteReader in(hdlr->body);
  if (!in.skip(8) || in.u32().value_or(0) != fourcc("meta")) return {};
  const auto type = type_of_entries(stsd->body);
  if (!type) return {};
  MetadataDescription out;
  out.type = *type;
  out.handler = to_bytes(hdlr->whole);
  out.sample_description = to_bytes(stsd->whole);
  for (const auto name : {fourcc("nmhd"), fourcc("gmhd")}) {
    const auto header = find_box(minf->body, name);
    if (header && header->whole.size() <= kMaxDescription) out.media_header = to_bytes(header->whole);
  }
  if (out.media_header.empty()) return {};
  const auto references = find_box(trak, fourcc("tref"));
  out.describes_pictures = references && find_box(references->body, fourcc("cdsc"));
  return out;
}
}  // namespace

std::vector<std::optional<MetadataDescription>> metadata_descriptions(const std::filesystem::path& path) {
  std::vector<std::optional<MetadataDescription>> out;
  const auto file = MappedFile::open(path);
  if (!file) return out;
  const auto moov = find_box(file->bytes(), fourcc("moov"));
  if (!moov) return out;
  ByteReader in(moov->body);
  while (!in.at_end() && out.size() < kMaxTracks) {
    const auto child = next_box(in);
    if (!child) break;
    if (child->type == fourcc("trak")) out.push_back(description_in(child->body));
  }
  return out;
}

}  // namespace camvault::container
