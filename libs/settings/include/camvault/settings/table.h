// A settings file, or a table in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "camvault/base/bytes.h"
#include "camvault/base/result.h"

namespace camvault::settings {

inline constexpr std::size_t kMaxFile = 256 * 1024;  // bytes

// Errc::denied if others than root and this user can write the file. One that is not there is for the reader
// to complain about.
Status check_only_owner_writes(const std::filesystem::path& path);

// A value; copies share the file. All errors of readers are Errc::usage with file, table and key. A reader
// leaves `out` alone when the key is not there: set the default first.
class Table {
 public:
  static Result<Table> load(const std::filesystem::path& file);  // also Errc::not_found, io, limit
  static Result<Table> parse(BytesView text, std::string place);

  // Every key is one of these.
  Status only(std::initializer_list<std::string_view> known) const;
  bool has(std::string_view key) const;

  Status read(std::string_view key, std::string& out) const;  // not empty
  Status read(std::string_view key, bool& out) const;
  Status read(std::string_view key, std::vector<std::string>& out) const;  // none of them empty
  Status read(std::string_view key, std::vector<std::filesystem::path>& out) const;
  Status read_number(std::string_view key, std::int64_t first, std::int64_t last, std::int64_t& out) const;
  template <class T>
  Status read_number(std::string_view key, T first, T last, T& out) const {
    std::int64_t value = static_cast<std::int64_t>(out);
    CAM_TRY_STATUS(
        read_number(key, static_cast<std::int64_t>(first), static_cast<std::int64_t>(last), value));
    out = static_cast<T>(value);
    return ok();
  }

  Result<std::optional<Table>> table(std::string_view key) const;  // [key]; nothing if it is not there
  Result<std::vector<Table>> tables(std::string_view key) const;   // [[key]]

  // "FILE, [table]": for errors of whoever reads on.
  const std::string& place() const { return place_; }
  tl::unexpected<Error> wrong(std::string_view key, std::string_view what) const;

 private:
  struct Node;
  Table(std::shared_ptr<const Node> node, std::string place)
      : node_(std::move(node)), place_(std::move(place)) {}
  std::shared_ptr<const Node> node_;
  std::string place_;
};

}  // namespace camvault::settings
