// What notes are called, and which speak against a clip.
#include "words.h"

namespace camvault::report {

using signed_video::NoteKind;

namespace {
struct NoteWords {
  std::string_view label;
  bool is_warning;
};

NoteWords words_of(NoteKind kind) {
  switch (kind) {
    case NoteKind::beginning_missing:
      return {"Beginning missing", false};
    case NoteKind::unsigned_tail:
      return {"Unsigned end", false};
    case NoteKind::unsigned_head:
      return {"Unsigned beginning", false};
    case NoteKind::gops_missing:
      return {"Groups of pictures missing", true};
    case NoteKind::out_of_order:
      return {"Out of order", true};
    case NoteKind::joined:
      return {"Recordings joined", true};
    case NoteKind::sei_removed:
      return {"Signature removed", true};
    case NoteKind::sei_repeated:
      return {"Signatures repeated", false};
    case NoteKind::sei_invalid:
      return {"Signature invalid", true};
    case NoteKind::sei_malformed:
      return {"Signature unreadable", true};
    case NoteKind::key_changed:
      return {"Key changed", false};
    case NoteKind::signer_changed:
      return {"Signer changed", true};
    case NoteKind::no_certificate:
      return {"Certificate missing", true};
    case NoteKind::types_not_hashed:
      return {"Pictures left out by the signer", true};
    case NoteKind::last_gop_not_verifiable:
      return {"Last group not verifiable", false};
    case NoteKind::not_covered_by_format:
      return {"Not covered", false};
    case NoteKind::times_implausible:
      return {"Clock not set", true};
    case NoteKind::clip_truncated:
      return {"File cut off", true};
    case NoteKind::lost_on_the_way:
      return {"Lost on the way", true};
    case NoteKind::supplement_removed:
      return {"Signatures over more than pictures removed", true};
    case NoteKind::supplement_invalid:
      return {"Signature over more than pictures invalid", true};
    case NoteKind::parameter_sets_altered:
      return {"Decoder parameters altered", true};
    case NoteKind::parameter_sets_missing:
      return {"Decoder parameters missing", false};
    case NoteKind::units_altered:
      return {"Other messages altered", true};
    case NoteKind::units_missing:
      return {"Other messages missing", true};
    case NoteKind::units_extra:
      return {"Other messages inserted", true};
    case NoteKind::times_altered:
      return {"Picture times altered", true};
    case NoteKind::audio_altered:
      return {"Sound altered", true};
    case NoteKind::audio_missing:
      return {"Sound missing", true};
    case NoteKind::audio_extra:
      return {"Sound inserted", true};
    case NoteKind::audio_moved:
      return {"Sound moved", true};
    case NoteKind::audio_not_checked:
      return {"Sound not checked", false};
    case NoteKind::metadata_altered:
      return {"Metadata altered", true};
    case NoteKind::metadata_missing:
      return {"Metadata missing", true};
    case NoteKind::metadata_extra:
      return {"Metadata inserted", true};
    case NoteKind::metadata_moved:
      return {"Metadata moved", true};
    case NoteKind::next_picture_differs:
      return {"Next picture missing or altered", true};
    case NoteKind::pictures_behind_end:
      return {"Pictures behind the end", true};
    case NoteKind::ending_missing:
      return {"Ending missing", false};
    case NoteKind::complete_to_the_end:
      return {"Complete to the end", false};
    case NoteKind::clock_jump:
      return {"Clock jump", true};
    case NoteKind::gop_number_repeated:
      return {"Group number repeated", true};
    case NoteKind::restarted:
      return {"Camera restarted", true};
    case NoteKind::time_stamp_invalid:
      return {"Time stamp invalid", true};
    case NoteKind::time_stamp_contradicts:
      return {"Time stamp contradicts the camera", true};
    case NoteKind::time_stamp_late:
      return {"Time stamp late", false};
    case NoteKind::attestation_invalid:
      return {"Evidence about the key invalid", true};
  }
  return {"Note", true};
}
}  // namespace

std::string_view label(NoteKind kind) {
  return words_of(kind).label;
}

bool is_warning(NoteKind kind) {
  return words_of(kind).is_warning;
}

}  // namespace camvault::report
