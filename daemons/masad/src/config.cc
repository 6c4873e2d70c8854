#include "config.h"

#include "camvault/settings/table.h"

namespace camvault::masad {

namespace {
constexpr unsigned kMaxHours = 366 * 24;

Status read_policy(const settings::Table& table, Config& out) {
  std::string policy = "first-owner";
  std::string list;
  CAM_TRY_STATUS(table.read("policy", policy));
  CAM_TRY_STATUS(table.read("sales_list", list));
  out.sales_list = list;
  out.policy = policy == "sales-list" ? OwnerPolicy::sales_list
               : policy == "logged"   ? OwnerPolicy::logged
                                      : OwnerPolicy::first_owner;
  if (policy != "first-owner" && policy != "sales-list" && policy != "logged")
    return table.wrong("policy", "is first-owner, sales-list or logged");
  if ((out.policy == OwnerPolicy::sales_list) == list.empty())
    return table.wrong("sales_list", "and policy = \"sales-list\" go together");
  return ok();
}
}  // namespace

Result<Config> load_config(const std::filesystem::path& file) {
  CAM_TRY_STATUS(settings::check_only_owner_writes(file));
  CAM_TRY(const auto table, settings::Table::load(file));
  CAM_TRY_STATUS(table.only({"listen", "port", "names", "organization", "database", "device_anchors",
                             "device_lists", "policy", "sales_list", "nonceless", "nonceless_hours"}));
  Config out;
  CAM_TRY_STATUS(table.read("listen", out.listen));
  CAM_TRY_STATUS(table.read_number<std::uint16_t>("port", 0, 65535, out.port));
  CAM_TRY_STATUS(table.read("names", out.names));
  CAM_TRY_STATUS(table.read("organization", out.organization));
  CAM_TRY_STATUS(table.read("database", out.database));
  CAM_TRY_STATUS(table.read("device_anchors", out.device_anchors));
  CAM_TRY_STATUS(table.read("device_lists", out.device_lists));
  CAM_TRY_STATUS(read_policy(table, out));
  CAM_TRY_STATUS(table.read("nonceless", out.nonceless));
  CAM_TRY_STATUS(table.read_number("nonceless_hours", 1u, kMaxHours, out.nonceless_hours));
  // Nobody but the registrar says then that there is such a device: only a list knows better.
  if (out.nonceless && out.policy != OwnerPolicy::sales_list)
    return table.wrong("nonceless", "is for policy = \"sales-list\"");
  if (out.names.empty()) return table.wrong("names", "must not be empty");
  if (out.device_anchors.empty()) return table.wrong("device_anchors", "must name whose devices these are");
  return out;
}

}  // namespace camvault::masad
