# camvault_module(NAME [SOURCES src/a.cc ...] [DEPS modules that our headers include]
#                 [PRIVATE_DEPS modules that only our sources include]
#                 [LIBS external libraries, private] [TESTS tests/a_test.cc ...] [TEST_DEPS modules])
#
# A module's headers live in include/camvault/NAME/. Only modules named in DEPS or PRIVATE_DEPS are on
# the include path, so an undeclared include does not compile: a new edge is one word in a diff.
# Every file in tests/ becomes one test program NAME_<file>; it links the module and TEST_DEPS.
function(camvault_module name)
  cmake_parse_arguments(M "" "" "SOURCES;DEPS;PRIVATE_DEPS;LIBS;PUBLIC_LIBS;TESTS;TEST_DEPS" ${ARGN})
  set(target camvault_${name})
  set(declared "${M_DEPS}")
  set(declared_private "${M_PRIVATE_DEPS}")
  list(TRANSFORM M_DEPS PREPEND camvault::)
  list(TRANSFORM M_PRIVATE_DEPS PREPEND camvault::)
  list(TRANSFORM M_TEST_DEPS PREPEND camvault::)
  if(M_SOURCES)
    add_library(${target} STATIC ${M_SOURCES})
    target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
                                                $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
                                         PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
    target_link_libraries(${target} PUBLIC ${M_DEPS} ${M_PUBLIC_LIBS}
                                    PRIVATE ${M_PRIVATE_DEPS} ${M_LIBS} $<BUILD_INTERFACE:camvault_options>)
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
                                                   $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${target} INTERFACE ${M_DEPS} ${M_PUBLIC_LIBS})
  endif()
  add_library(camvault::${name} ALIAS ${target})
  # What was declared, for tests/house and for installing (CamvaultInstall).
  set_property(GLOBAL APPEND PROPERTY CAMVAULT_MODULES ${name})
  set_target_properties(${target} PROPERTIES CAMVAULT_DEPS "${declared}" CAMVAULT_PRIVATE_DEPS "${declared_private}"
                                             CAMVAULT_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  if(CAMVAULT_TESTS)
    foreach(source IN LISTS M_TESTS)
      camvault_test(${name} ${source} ${target} ${M_TEST_DEPS})
    endforeach()
  endif()
endfunction()

# One GoogleTest program from one file; discovered case by case by ctest.
function(camvault_test prefix source)
  get_filename_component(stem ${source} NAME_WE)
  set(program ${prefix}_${stem})
  add_executable(${program} ${source})
  target_link_libraries(${program} PRIVATE ${ARGN} camvault_options GTest::gtest_main GTest::gmock)
  target_include_directories(${program} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
  camvault_compiles_quickly(${program})
  camvault_precompiles(${program} FROM camvault_test_headers)
  set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  gtest_discover_tests(${program} TEST_PREFIX "${prefix}/" DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES PROPERTIES TIMEOUT 300
                       WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
endfunction()

# A target `programs` that builds what lands in bin/ and, once it exists, libcamvault: what `make run`, `make build`
# and `make install` need, and none of the tests.
function(camvault_programs_target)
  set(programs)
  set(folders "${PROJECT_SOURCE_DIR}")
  while(folders)
    list(POP_FRONT folders folder)
    get_property(targets DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
    get_property(subfolders DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
    list(APPEND folders ${subfolders})
    foreach(target IN LISTS targets)
      get_target_property(type ${target} TYPE)
      get_target_property(output ${target} RUNTIME_OUTPUT_DIRECTORY)
      if(type STREQUAL "EXECUTABLE" AND output STREQUAL CMAKE_RUNTIME_OUTPUT_DIRECTORY)
        list(APPEND programs ${target})
      endif()
    endforeach()
  endwhile()
  add_custom_target(programs)
  if(programs)
    add_dependencies(programs ${programs})
  endif()
endfunction()

# Runs after the last line of the top CMakeLists.txt.
function(camvault_finish)
  camvault_programs_target()
  camvault_install()
  if(CAMVAULT_TESTS)
    include("${PROJECT_SOURCE_DIR}/tests/house/house.cmake")
  endif()
endfunction()
