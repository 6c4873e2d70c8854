#include "config.h"

#include "camvault/settings/table.h"

namespace camvault::fleetd {

namespace {
constexpr unsigned kMaxHours = 10 * 365 * 24;
}  // namespace

Result<Config> load_config(const std::filesystem::path& file) {
  CAM_TRY_STATUS(settings::check_only_owner_writes(file));
  CAM_TRY(const auto table, settings::Table::load(file));
  CAM_TRY_STATUS(
      table.only({"listen", "port", "names", "organization", "database", "device_anchors", "device_lists",
                  "operator_anchors", "operator_lists", "masa_anchors", "masa_lists", "certificate_hours",
                  "media_certificate_hours", "require_binding"}));
  Config out;
  CAM_TRY_STATUS(table.read("listen", out.listen));
  CAM_TRY_STATUS(table.read_number<std::uint16_t>("port", 0, 65535, out.port));
  CAM_TRY_STATUS(table.read("names", out.names));
  CAM_TRY_STATUS(table.read("organization", out.organization));
  CAM_TRY_STATUS(table.read("database", out.database));
  CAM_TRY_STATUS(table.read("device_anchors", out.device_anchors));
  CAM_TRY_STATUS(table.read("device_lists", out.device_lists));
  CAM_TRY_STATUS(table.read("operator_anchors", out.operator_anchors));
  CAM_TRY_STATUS(table.read("operator_lists", out.operator_lists));
  CAM_TRY_STATUS(table.read("masa_anchors", out.masa_anchors));
  CAM_TRY_STATUS(table.read("masa_lists", out.masa_lists));
  CAM_TRY_STATUS(table.read_number("certificate_hours", 1u, kMaxHours, out.certificate_hours));
  CAM_TRY_STATUS(table.read_number("media_certificate_hours", 1u, kMaxHours, out.media_certificate_hours));
  CAM_TRY_STATUS(table.read("require_binding", out.require_binding));
  if (out.names.empty()) return table.wrong("names", "must not be empty");
  return out;
}

}  // namespace camvault::fleetd
