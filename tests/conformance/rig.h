// What the suite needs of a kind of backend: a module of the test's own, and a hand on its power switch.
#pragma once

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "camvault/keystore_engine/backend.h"

namespace camvault::conformance {

class Rig {
 public:
  virtual ~Rig() = default;
  // A backend over the module, as a keystored that starts has it. `name`: what key files call it.
  virtual std::shared_ptr<keystore_engine::Backend> open(const std::string& name) = 0;

  // The module goes away, as when its power or its cable does, and is there again, with what it had stored.
  virtual bool can_vanish() const { return false; }
  virtual void vanish() {}
  virtual void come_back() {}
};

struct RigKind {
  std::string name;   // [a-z0-9_]+
  std::string needs;  // what has to be installed, for whoever reads that it is not
  bool (*is_installed)();
  std::unique_ptr<Rig> (*make)(const std::filesystem::path& folder);
};

inline void PrintTo(const RigKind& kind, std::ostream* out) {
  *out << kind.name;
}

// Another kind of backend is one more entry there (rigs.cc).
const std::vector<RigKind>& rig_kinds();

}  // namespace camvault::conformance
