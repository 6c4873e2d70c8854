# libcamvault and what `make install` lays down: programs, the library, headers, pkg-config and CMake files.
include(CMakePackageConfigHelpers)

# camvault_library(SOURCES ... MODULES ... VERSION_SCRIPT file)
#
# One libcamvault.so and one libcamvault.a from the C API's sources and the modules they need, with all that those
# need inside. The shared one shows the functions of the version script and nothing else, so that it can change
# within; it links no libavformat and no GStreamer.
function(camvault_library)
  cmake_parse_arguments(L "" "VERSION_SCRIPT" "SOURCES;MODULES" ${ARGN})
  list(TRANSFORM L_MODULES PREPEND camvault:: OUTPUT_VARIABLE linked)
  set(public_headers "${PROJECT_SOURCE_DIR}/include")
  cmake_path(ABSOLUTE_PATH L_VERSION_SCRIPT)

  add_library(libcamvault_objects OBJECT ${L_SOURCES})
  target_include_directories(libcamvault_objects PRIVATE "${public_headers}" "${CMAKE_CURRENT_SOURCE_DIR}/src")
  target_link_libraries(libcamvault_objects PRIVATE ${linked} camvault_options)

  add_library(libcamvault SHARED $<TARGET_OBJECTS:libcamvault_objects>)
  target_include_directories(libcamvault INTERFACE $<BUILD_INTERFACE:${public_headers}>
                                                   $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(libcamvault PRIVATE $<BUILD_INTERFACE:${linked}> $<BUILD_INTERFACE:camvault_options>)
  target_link_options(libcamvault PRIVATE "-Wl,--version-script=${L_VERSION_SCRIPT}" -Wl,--exclude-libs,ALL -Wl,-z,defs)
  set_target_properties(libcamvault PROPERTIES
    OUTPUT_NAME camvault EXPORT_NAME camvault VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
    LINK_DEPENDS "${L_VERSION_SCRIPT}")
  add_library(camvault::camvault ALIAS libcamvault)

  # ar has no word for "all members of these archives too", its MRI scripts do.
  camvault_closure(closure ${L_MODULES})
  set(archive "${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libcamvault.a")
  set(script "CREATE ${archive}\n")
  set(made)
  foreach(module IN LISTS closure)
    get_target_property(type camvault_${module} TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
      string(APPEND script "ADDLIB $<TARGET_FILE:camvault_${module}>\n")
      list(APPEND made camvault_${module})
    endif()
  endforeach()
  string(APPEND script "ADDMOD $<JOIN:$<TARGET_OBJECTS:libcamvault_objects>,\nADDMOD >\nSAVE\nEND\n")
  file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/house/libcamvault.mri" CONTENT "${script}")
  add_custom_command(OUTPUT "${archive}"
    COMMAND ${CMAKE_COMMAND} -E rm -f "${archive}"
    COMMAND ${CMAKE_AR} -M < "${CMAKE_BINARY_DIR}/house/libcamvault.mri"
    COMMAND ${CMAKE_RANLIB} "${archive}"
    DEPENDS ${made} libcamvault_objects $<TARGET_OBJECTS:libcamvault_objects> "${CMAKE_BINARY_DIR}/house/libcamvault.mri"
    COMMENT "Merging libcamvault.a" VERBATIM)
  add_custom_target(libcamvault_static ALL DEPENDS "${archive}")
  set_property(GLOBAL PROPERTY CAMVAULT_LIBRARY_MODULES ${L_MODULES})
  set_property(GLOBAL PROPERTY CAMVAULT_STATIC_ARCHIVE "${archive}")
endfunction()

# All modules that the named ones need, themselves included.
function(camvault_closure result)
  set(todo ${ARGN})
  set(seen)
  while(todo)
    list(POP_FRONT todo module)
    if(module IN_LIST seen)
      continue()
    endif()
    list(APPEND seen ${module})
    get_target_property(deps camvault_${module} CAMVAULT_DEPS)
    get_target_property(private_deps camvault_${module} CAMVAULT_PRIVATE_DEPS)
    list(APPEND todo ${deps} ${private_deps})
  endwhile()
  set(${result} ${seen} PARENT_SCOPE)
endfunction()

# Runs last (camvault_finish), when everything that can be installed is known.
function(camvault_install)
  if(TARGET camvault_cli)
    set(manual "${CMAKE_BINARY_DIR}/manual")
    add_custom_command(OUTPUT "${manual}/completions/camvault"
      COMMAND "${PROJECT_SOURCE_DIR}/tools/dev/write-manual.sh" "${manual}" ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:camvault_cli>
      DEPENDS camvault_cli "${PROJECT_SOURCE_DIR}/tools/dev/write-manual.sh"
      COMMENT "Writing manual pages and shell completion" VERBATIM)
    add_custom_target(manual ALL DEPENDS "${manual}/completions/camvault")
    add_dependencies(programs manual)
    install(DIRECTORY "${manual}/man1" DESTINATION "${CMAKE_INSTALL_MANDIR}")
    install(FILES "${manual}/completions/camvault" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
  endif()
  foreach(plugin IN ITEMS gstcamvault camvault_openssl_provider camvault_pkcs11)
    if(TARGET ${plugin})
      add_dependencies(programs ${plugin})
    endif()
  endforeach()
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/README.md" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
  if(NOT TARGET libcamvault)
    return()
  endif()

  add_dependencies(programs libcamvault libcamvault_static)
  install(TARGETS libcamvault EXPORT camvault LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  get_property(archive GLOBAL PROPERTY CAMVAULT_STATIC_ARCHIVE)
  install(FILES "${archive}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")

  # The C++ API: the same modules as archives of their own with their headers, to be used at one and the same version.
  get_property(modules GLOBAL PROPERTY CAMVAULT_LIBRARY_MODULES)
  camvault_closure(modules ${modules})
  foreach(module IN LISTS modules)
    get_target_property(folder camvault_${module} CAMVAULT_DIR)
    set_target_properties(camvault_${module} PROPERTIES EXPORT_NAME ${module})
    install(TARGETS camvault_${module} EXPORT camvault ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
    install(DIRECTORY "${folder}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
  endforeach()

  set(package "${CMAKE_INSTALL_LIBDIR}/cmake/camvault")
  install(EXPORT camvault NAMESPACE camvault:: FILE camvault-targets.cmake DESTINATION "${package}")
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/camvault-config.cmake.in"
    "${CMAKE_BINARY_DIR}/house/camvault-config.cmake" INSTALL_DESTINATION "${package}")
  write_basic_package_version_file("${CMAKE_BINARY_DIR}/house/camvault-config-version.cmake"
    COMPATIBILITY SameMinorVersion)
  install(FILES "${CMAKE_BINARY_DIR}/house/camvault-config.cmake" "${CMAKE_BINARY_DIR}/house/camvault-config-version.cmake"
          DESTINATION "${package}")

  # camvault.pc finds its prefix from where it lies: DESTDIR and PREFIX need not be known now.
  file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/camvault.pc.in" "${CMAKE_BINARY_DIR}/house/camvault.pc" @ONLY)
  install(FILES "${CMAKE_BINARY_DIR}/house/camvault.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()
