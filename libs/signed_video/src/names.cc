#include "camvault/signed_video/report.h"

namespace camvault::signed_video {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::authentic:
      return "authentic";
    case Verdict::authentic_with_missing_frames:
      return "authentic_with_missing_frames";
    case Verdict::not_authentic:
      return "not_authentic";
    case Verdict::not_signed:
      return "not_signed";
  }
  return "not_authentic";
}

std::string_view to_string(UnitStatus status) {
  switch (status) {
    case UnitStatus::authentic:
      return "authentic";
    case UnitStatus::altered:
      return "altered";
    case UnitStatus::missing:
      return "missing";
    case UnitStatus::extra:
      return "extra";
    case UnitStatus::out_of_place:
      return "out_of_place";
    case UnitStatus::not_covered:
      return "not_covered";
  }
  return "not_covered";
}

std::string_view to_string(SignatureStatus status) {
  switch (status) {
    case SignatureStatus::valid:
      return "valid";
    case SignatureStatus::invalid:
      return "invalid";
    case SignatureStatus::none:
      return "none";
    case SignatureStatus::no_key:
      return "no_key";
  }
  return "none";
}

std::string_view to_string(NoteKind kind) {
  switch (kind) {
    case NoteKind::beginning_missing:
      return "beginning_missing";
    case NoteKind::unsigned_tail:
      return "unsigned_tail";
    case NoteKind::unsigned_head:
      return "unsigned_head";
    case NoteKind::gops_missing:
      return "gops_missing";
    case NoteKind::out_of_order:
      return "out_of_order";
    case NoteKind::joined:
      return "joined";
    case NoteKind::sei_removed:
      return "sei_removed";
    case NoteKind::sei_repeated:
      return "sei_repeated";
    case NoteKind::sei_invalid:
      return "sei_invalid";
    case NoteKind::sei_malformed:
      return "sei_malformed";
    case NoteKind::key_changed:
      return "key_changed";
    case NoteKind::signer_changed:
      return "signer_changed";
    case NoteKind::no_certificate:
      return "no_certificate";
    case NoteKind::types_not_hashed:
      return "types_not_hashed";
    case NoteKind::last_gop_not_verifiable:
      return "last_gop_not_verifiable";
    case NoteKind::not_covered_by_format:
      return "not_covered_by_format";
    case NoteKind::times_implausible:
      return "times_implausible";
    case NoteKind::clip_truncated:
      return "clip_truncated";
    case NoteKind::lost_on_the_way:
      return "lost_on_the_way";
    case NoteKind::supplement_removed:
      return "supplement_removed";
    case NoteKind::supplement_invalid:
      return "supplement_invalid";
    case NoteKind::parameter_sets_altered:
      return "parameter_sets_altered";
    case NoteKind::parameter_sets_missing:
      return "parameter_sets_missing";
    case NoteKind::units_altered:
      return "units_altered";
    case NoteKind::units_missing:
      return "units_missing";
    case NoteKind::units_extra:
      return "units_extra";
    case NoteKind::times_altered:
      return "times_altered";
    case NoteKind::audio_altered:
      return "audio_altered";
    case NoteKind::audio_missing:
      return "audio_missing";
    case NoteKind::audio_extra:
      return "audio_extra";
    case NoteKind::audio_moved:
      return "audio_moved";
    case NoteKind::audio_not_checked:
      return "audio_not_checked";
    case NoteKind::metadata_altered:
      return "metadata_altered";
    case NoteKind::metadata_missing:
      return "metadata_missing";
    case NoteKind::metadata_extra:
      return "metadata_extra";
    case NoteKind::metadata_moved:
      return "metadata_moved";
    case NoteKind::next_picture_differs:
      return "next_picture_differs";
    case NoteKind::pictures_behind_end:
      return "pictures_behind_end";
    case NoteKind::ending_missing:
      return "ending_missing";
    case NoteKind::complete_to_the_end:
      return "complete_to_the_end";
    case NoteKind::clock_jump:
      return "clock_jump";
    case NoteKind::gop_number_repeated:
      return "gop_number_repeated";
    case NoteKind::restarted:
      return "restarted";
    case NoteKind::time_stamp_invalid:
      return "time_stamp_invalid";
    case NoteKind::time_stamp_contradicts:
      return "time_stamp_contradicts";
    case NoteKind::time_stamp_late:
      return "time_stamp_late";
    case NoteKind::attestation_invalid:
      return "attestation_invalid";
  }
  return "";
}

std::string_view to_string(SignerPeriod::Vouched vouched) {
  switch (vouched) {
    case SignerPeriod::Vouched::first:
      return "first";
    case SignerPeriod::Vouched::same_issuer:
      return "same_issuer";
    case SignerPeriod::Vouched::former_key:
      return "former_key";
    case SignerPeriod::Vouched::nobody:
      return "nobody";
  }
  return "nobody";
}

std::string_view to_string(Provenance provenance) {
  switch (provenance) {
    case Provenance::trusted:
      return "trusted";
    case Provenance::untrusted:
      return "untrusted";
    case Provenance::unknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace camvault::signed_video
