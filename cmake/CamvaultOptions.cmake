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

if(CAMVAULT_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()
