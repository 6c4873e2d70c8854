#include "sales_list.h"

#include "camvault/base/base64.h"
#include "camvault/base/file.h"

namespace camvault::masad {

Result<SalesList> read_sales_list(const std::filesystem::path& file) {
  CAM_TRY(const auto content, read_file(file, kMaxSalesList));
  SalesList out;
  auto rest = as_text(content);
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.front() == '#') continue;
    const auto space = line.find(' ');
    const bool good = space != std::string_view::npos && space > 0 &&
                      read_base64(line.substr(space + 1)).has_value() &&
                      out.emplace(line.substr(0, space), line.substr(space + 1)).second;
    if (!good)
      return fail(Errc::malformed,
                  file.string() + ", line " + std::to_string(number) + ": not SERIAL DOMAINID");
  }
  return out;
}

}  // namespace camvault::masad
