#include "camvault/settings/table.h"

#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>

#include "camvault/base/file.h"

namespace camvault::settings {

// A table, and the file that it is in.
struct Table::Node {
  std::shared_ptr<const toml::table> file;
  const toml::table* table = nullptr;
};

Status check_only_owner_writes(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return ok();
  if ((info.st_uid != 0 && info.st_uid != ::geteuid()) || (info.st_mode & 022u) != 0) {
    return fail(Errc::denied, path.string() +
                                  " can be changed by other users: it must belong to root or to this user, "
                                  "and be writable by its owner only");
  }
  return ok();
}

Result<Table> Table::load(const std::filesystem::path& file) {
  CAM_TRY(const auto text, read_file(file, kMaxFile));
  return parse(text, file.string());
}

Result<Table> Table::parse(BytesView text, std::string place) {
  if (text.size() > kMaxFile) return fail(Errc::limit, place + " is longer than 256 KiB");
  try {
    auto file = std::make_shared<const toml::table>(toml::parse(as_text(text)));
    const auto* table = file.get();
    return Table(std::make_shared<const Node>(Node{std::move(file), table}), std::move(place));
  } catch (const toml::parse_error& error) {
    return fail(Errc::usage, place + ", line " + std::to_string(error.source().begin.line) + ": " +
                                 std::string(error.description()));
  }
}

tl::unexpected<Error> Table::wrong(std::string_view key, std::string_view what) const {
  return fail(Errc::usage, place_ + ", " + std::string(key) + " " + std::string(what));
}

Status Table::only(std::initializer_list<std::string_view> known) const {
  for (const auto& [key, value] : *node_->table) {
    if (std::find(known.begin(), known.end(), key.str()) == known.end())
      return wrong("\"" + std::string(key.str().substr(0, 64)) + "\"", "is not known");
  }
  return ok();
}

bool Table::has(std::string_view key) const {
  return node_->table->get(key) != nullptr;
}

Status Table::read(std::string_view key, std::string& out) const {
  const auto* node = node_->table->get(key);
  if (node == nullptr) return ok();
  auto text = node->value_exact<std::string>();
  if (!text || text->empty()) return wrong(key, "is a text");
  out = std::move(*text);
  return ok();
}

Status Table::read(std::string_view key, bool& out) const {
  const auto* node = node_->table->get(key);
  if (node == nullptr) return ok();
  const auto flag = node->value_exact<bool>();
  if (!flag) return wrong(key, "is true or false");
  out = *flag;
  return ok();
}

Status Table::read(std::string_view key, std::vector<std::string>& out) const {
  const auto* node = node_->table->get(key);
  if (node == nullptr) return ok();
  const auto* list = node->as_array();
  if (list == nullptr) return wrong(key, "is a list of texts");
  out.clear();
  for (const auto& each : *list) {
    auto text = each.value_exact<std::string>();
    if (!text || text->empty()) return wrong(key, "is a list of texts");
    out.push_back(std::move(*text));
  }
  return ok();
}

Status Table::read(std::string_view key, std::vector<std::filesystem::path>& out) const {
  if (!has(key)) return ok();
  std::vector<std::string> texts;
  CAM_TRY_STATUS(read(key, texts));
  out.assign(texts.begin(), texts.end());
  return ok();
}

Status Table::read_number(std::string_view key, std::int64_t first, std::int64_t last,
                          std::int64_t& out) const {
  const auto* node = node_->table->get(key);
  if (node == nullptr) return ok();
  const auto number = node->value_exact<std::int64_t>();
  if (!number || *number < first || *number > last)
    return wrong(key, "is a number from " + std::to_string(first) + " to " + std::to_string(last));
  out = *number;
  return ok();
}

Result<std::optional<Table>> Table::table(std::string_view key) const {
  const auto* node = node_->table->get(key);
  if (node == nullptr) return std::optional<Table>();
  const auto* table = node->as_table();
  if (table == nullptr) return wrong(key, "is a table: [" + std::string(key) + "]");
  return std::optional<Table>(
      Table(std::make_shared<const Node>(Node{node_->file, table}), place_ + ", [" + std::string(key) + "]"));
}

Result<std::vector<Table>> Table::tables(std::string_view key) const {
  std::vector<Table> out;
  const auto* node = node_->table->get(key);
  if (node == nullptr) return out;
  const auto* list = node->as_array();
  if (list == nullptr) return wrong(key, "is a list of tables: [[" + std::string(key) + "]]");
  for (const auto& each : *list) {
    const auto* table = each.as_table();
    if (table == nullptr) return wrong(key, "is a list of tables: [[" + std::string(key) + "]]");
    out.push_back(Table(std::make_shared<const Node>(Node{node_->file, table}),
                        place_ + ", [[" + std::string(key) + "]] " + std::to_string(out.size() + 1)));
  }
  return out;
}

}  // namespace camvault::settings
