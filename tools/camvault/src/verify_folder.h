// camvault verify --recursive: every clip below a folder, several at a time, one summary. A run that was
// ended in whatever way goes on where it was when it is started again with the same state file.
#pragma once

#include <filesystem>

#include "verification.h"

namespace camvault::cli {

struct FolderRequest {
  VerificationRequest each;  // `clip` is not looked at
  std::filesystem::path folder;
  std::filesystem::path state;    // empty: nothing is kept
  std::filesystem::path summary;  // JSON; empty: not written
  std::filesystem::path html;     // the summary for people; empty: not written
  bool json = false;              // the summary as JSON to standard output
  bool quiet = false;             // one line
};

// The exit code: of the worst clip.
int verify_folder(const FolderRequest& request);

}  // namespace camvault::cli
