# Language level, warnings, hardening and sanitizers: one place for all targets.
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

option(CAMVAULT_TESTS "build the tests" ON)
option(CAMVAULT_APPS "build daemons and the CLI" ON)
option(CAMVAULT_GSTREAMER "build the live camera, which needs GStreamer" ON)
option(CAMVAULT_BENCH "build the benchmarks" OFF)
option(CAMVAULT_WERROR "treat warnings as errors" ON)
set(CAMVAULT_SANITIZE "" CACHE STRING "address | thread | fuzz, or empty")

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

add_library(camvault_options INTERFACE)
target_compile_options(camvault_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wundef
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wextra-semi>
  $<$<BOOL:${CAMVAULT_WERROR}>:-Werror>
  # GCC 12 at -O2 sees overlapping copies in std::string's operator+ and endless comparisons of std::vector<uint8_t>
  # that are not there (GCC bug 105651 and its like). The sanitizer builds watch for the real ones.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overread>
  $<$<NOT:$<BOOL:${EMSCRIPTEN}>>:-fstack-protector-strong> -fno-strict-aliasing
  $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection>)
if(EMSCRIPTEN)
  # WebAssembly has its own stack and no code that could be written to (web/CMakeLists.txt).
elseif(CAMVAULT_SANITIZE STREQUAL "")
  target_compile_options(camvault_options INTERFACE -fstack-clash-protection
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
  target_compile_definitions(camvault_options INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(camvault_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
elseif(CAMVAULT_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(CAMVAULT_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(CAMVAULT_SANITIZE STREQUAL "fuzz")
  # libFuzzer needs clang; every object is instrumented, only fuzz targets link the driver.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
                      -D_GLIBCXX_ASSERTIONS)
  add_link_options(-fsanitize=address,undefined)
else()
  message(FATAL_ERROR "CAMVAULT_SANITIZE must be address, thread, fuzz or empty")
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # What ccache wants to be told before it keeps what was compiled with a precompiled header (its manual, "Precompiled headers").
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros "${CCACHE_PROGRAM}")
endif()

# For code that nothing waits for, as commands and tests: half of the time of a build went into making it fast.
function(camvault_compiles_quickly target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# Headers that are read once for all sources of a target, or of several (FROM). Only where builds are timed: clang's tools, which
# take the dev build, cannot read GCC's precompiled headers.
function(camvault_precompiles target)
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Release" OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  cmake_parse_arguments(P "" "FROM" "" ${ARGN})
  if(P_FROM)
    target_precompile_headers(${target} REUSE_FROM ${P_FROM})
  else()
    target_precompile_headers(${target} PRIVATE ${P_UNPARSED_ARGUMENTS})
  endif()
  target_compile_options(${target} PRIVATE
    # A precompiled header that is not taken costs time: an error.
    -Winvalid-pch
    # Some libraries bring this, and its macro has to be the same on both sides.
    -pthread
    # In what was precompiled GCC 12 no longer knows the standard library's code from ours, and warns about its false alarms
    # there as well (see above).
    -Wno-array-bounds -Wno-stringop-overflow
    $<$<BOOL:${CCACHE_PROGRAM}>:-fpch-preprocess>)
endfunction()

if(CAMVAULT_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
  # GoogleTest's headers for all test programs; a program, since those are compiled as one (-fPIE).
  add_executable(camvault_test_headers "${CMAKE_CURRENT_LIST_DIR}/test_headers.cc")
  target_link_libraries(camvault_test_headers PRIVATE camvault_options GTest::gtest_main GTest::gmock)
  set_target_properties(camvault_test_headers PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  camvault_compiles_quickly(camvault_test_headers)
  camvault_precompiles(camvault_test_headers <gtest/gtest.h> <gmock/gmock.h> <algorithm> <chrono> <filesystem> <fstream>
                       <functional> <map> <optional> <span> <string> <vector>)
endif()
