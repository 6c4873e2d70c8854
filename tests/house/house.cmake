# The rules of the house, kept by tests: module borders, headers, package lists, no secrets in the tree.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)

# One line a module: name, folder, declared modules, private ones, include path of its users, include path of its sources.
get_property(modules GLOBAL PROPERTY CAMVAULT_MODULES)
set(lines "")
foreach(name IN LISTS modules)
  set(target camvault_${name})
  get_target_property(type ${target} TYPE)
  get_target_property(folder ${target} CAMVAULT_DIR)
  get_target_property(deps ${target} CAMVAULT_DEPS)
  get_target_property(private_deps ${target} CAMVAULT_PRIVATE_DEPS)
  list(JOIN deps "," deps)
  list(JOIN private_deps "," private_deps)
  # A helper target sees what any user of the module sees.
  add_library(house_user_of_${name} OBJECT EXCLUDE_FROM_ALL "${CMAKE_CURRENT_LIST_DIR}/module_user.cc")
  target_link_libraries(house_user_of_${name} PRIVATE ${target})
  set(users "$<JOIN:$<TARGET_PROPERTY:house_user_of_${name},INCLUDE_DIRECTORIES>,:>")
  if(type STREQUAL "INTERFACE_LIBRARY")
    set(own "${users}")
  else()
    set(own "$<JOIN:$<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>,:>")
  endif()
  string(APPEND lines "${name}|${folder}|${deps}|${private_deps}|${users}|${own}\n")
endforeach()
set(module_list "${CMAKE_BINARY_DIR}/house/modules.txt")
file(GENERATE OUTPUT "${module_list}" CONTENT "${lines}")

foreach(check IN ITEMS borders headers declared documented)
  add_test(NAME house/modules_${check}
           COMMAND "${Python3_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/modules.py" ${check} --modules "${module_list}"
                   --source "${PROJECT_SOURCE_DIR}" --compiler "${CMAKE_CXX_COMPILER}")
endforeach()
set_tests_properties(house/modules_headers PROPERTIES TIMEOUT 600 PROCESSORS 2)

foreach(check IN ITEMS order exist)
  add_test(NAME house/packages_${check}
           COMMAND "${Python3_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/packages.py" ${check} "${PROJECT_SOURCE_DIR}")
endforeach()
add_test(NAME house/install_packages
         COMMAND bash "${CMAKE_CURRENT_LIST_DIR}/install_packages_test.sh" "${PROJECT_SOURCE_DIR}")
add_test(NAME house/front_door COMMAND bash "${CMAKE_CURRENT_LIST_DIR}/front_door_test.sh" "${PROJECT_SOURCE_DIR}")
add_test(NAME house/secrets_tree
         COMMAND "${Python3_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/secrets_scan.py" tree "${PROJECT_SOURCE_DIR}")
add_test(NAME house/secrets_programs
         COMMAND "${Python3_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/secrets_scan.py" files "${CMAKE_BINARY_DIR}/bin")
add_test(NAME house/secrets_scanner_finds_planted_ones
         COMMAND "${Python3_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/secrets_scan.py" selftest)
if(CAMVAULT_SANITIZE STREQUAL "" AND CMAKE_BUILD_TYPE STREQUAL "Release")
  add_test(NAME house/hardening
           COMMAND bash "${CMAKE_CURRENT_LIST_DIR}/hardening_test.sh" "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endif()
set_tests_properties(house/packages_exist PROPERTIES SKIP_RETURN_CODE 77)
