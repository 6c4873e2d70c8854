#include "camvault/settings/table.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "camvault/base/file.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::settings {
namespace {

Table table(std::string_view text) {
  return Table::parse(as_bytes(text), "x.toml").value();
}

TEST(Table, ReadsWhatIsThereAndKeepsDefaultsOfWhatIsNot) {
  const auto file = table(
      "name = \"a\"\non = true\nport = 8883\nlist = [\"b\", \"c\"]\n[in]\nx = 1\n[[many]]\n[[many]]\nx = "
      "2\n");
  std::string name = "z";
  bool on = false;
  std::uint16_t port = 1;
  std::vector<std::string> list = {"y"};
  EXPECT_TRUE(file.read("name", name) && file.read("on", on) && file.read("list", list));
  EXPECT_TRUE(file.read_number<std::uint16_t>("port", 1, 65535, port));
  EXPECT_EQ(name, "a");
  EXPECT_TRUE(on);
  EXPECT_EQ(port, 8883);
  EXPECT_EQ(list, (std::vector<std::string>{"b", "c"}));
  EXPECT_TRUE(file.read("none", name) && file.read("none", on) && file.read("none", list));
  std::vector<std::filesystem::path> paths = {"y"};
  EXPECT_TRUE(file.read("none", paths));
  EXPECT_EQ(paths, (std::vector<std::filesystem::path>{"y"}));
  EXPECT_TRUE(file.read("list", paths));
  EXPECT_EQ(paths, (std::vector<std::filesystem::path>{"b", "c"}));
  EXPECT_FALSE(file.read("name", paths));
  EXPECT_EQ(name, "a");
  std::int64_t x = 0;
  EXPECT_TRUE(file.table("in").value()->read_number("x", 0, 9, x));
  EXPECT_EQ(x, 1);
  EXPECT_FALSE(file.table("none").value());
  const auto many = file.tables("many").value();
  ASSERT_EQ(many.size(), 2U);
  EXPECT_TRUE(many[1].read_number("x", 0, 9, x));
  EXPECT_EQ(x, 2);
  EXPECT_TRUE(file.only({"name", "on", "port", "list", "in", "many"}));
}

TEST(Table, SaysWhereAndWhat) {
  const auto file = table("name = 1\non = \"yes\"\nport = 70000\nlist = [1]\nempty = \"\"\n[in]\nx = true\n");
  std::string text;
  bool flag = false;
  std::vector<std::string> list;
  std::int64_t number = 0;
  EXPECT_EQ(file.read("name", text).error().what, "x.toml, name is a text");
  EXPECT_FALSE(file.read("empty", text));
  EXPECT_FALSE(file.read("on", flag));
  EXPECT_FALSE(file.read("list", list));
  EXPECT_FALSE(file.read_number("port", 1, 65535, number));
  EXPECT_FALSE(file.table("name"));
  EXPECT_FALSE(file.tables("in"));
  EXPECT_EQ(file.table("in").value()->read("x", text).error().what, "x.toml, [in], x is a text");
  EXPECT_EQ(file.only({"name"}).error().code, Errc::usage);
  EXPECT_EQ(Table::parse(as_bytes("a = \n"), "x.toml").error().code, Errc::usage);
  EXPECT_EQ(Table::parse(Bytes(kMaxFile + 1, ' '), "x.toml").error().code, Errc::limit);
}

TEST(Table, FilesThatOthersCanWriteAreRefused) {
  const test_support::TemporaryFolder folder;
  const auto path = folder.path() / "x.toml";
  EXPECT_TRUE(check_only_owner_writes(path));
  ASSERT_TRUE(write_file_atomically(path, as_bytes("a = 1\n"), 0644));
  EXPECT_TRUE(check_only_owner_writes(path));
  EXPECT_TRUE(Table::load(path));
  ASSERT_EQ(::chmod(path.c_str(), 0664), 0);
  EXPECT_EQ(check_only_owner_writes(path).error().code, Errc::denied);
  EXPECT_EQ(Table::load(folder.path() / "none").error().code, Errc::not_found);
}

}  // namespace
}  // namespace camvault::settings
