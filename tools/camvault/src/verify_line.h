// One clip's result on one line of JSON (docs/verify.md): the unit of work of batch engines.
#pragma once

#include <string>
#include <string_view>

#include "camvault/base/result.h"

namespace camvault::cli {

// A JSON string with its quotes, ASCII only. Bytes that are not UTF-8 become U+DC80 to U+DCFF, as in Python's
// "surrogateescape", so that every file name comes back as it was.
std::string json_string(std::string_view bytes);

// `report` as report::to_json() writes it.
std::string result_line(std::string_view file, int exit_code, std::string_view report);
std::string failure_line(std::string_view file, int exit_code, std::string_view error);

// The text of a member of the outermost object of such a line, still escaped; empty if there is none.
std::string_view member_text(std::string_view line, std::string_view name);

// The way back from what stands between the quotes of json_string(), or of any JSON string.
std::string unescaped_json(std::string_view escaped);

}  // namespace camvault::cli
