// Numbers of objects that are on their way: written before the element makes one, struck off when a key file
// holds it. What a cut of power leaves behind is in here, so that it can be taken away later.
#pragma once

#include <filesystem>
#include <map>

#include "camvault/base/bytes.h"
#include "camvault/keystore_se05x/codes.h"

namespace camvault::keystore_se05x {

// Confined to one thread. Without a path it lives in memory only.
class Journal {
 public:
  enum class Mark : std::uint8_t {
    pending,  // may be in a key file
    doomed,   // is in none: to be removed from the element
  };
  static constexpr std::size_t kMaxEntries = 4096;

  // Errc::malformed if the file is none of ours.
  static Result<Journal> open(std::filesystem::path path);
  Status put(ObjectId id, Mark mark);
  Status strike(ObjectId id);
  bool has(ObjectId id) const { return entries_.contains(id); }
  const std::map<ObjectId, Mark>& entries() const { return entries_; }

 private:
  Status save() const;
  std::filesystem::path path_;
  std::map<ObjectId, Mark> entries_;
};

}  // namespace camvault::keystore_se05x
