# libbake: the module runtime and what it needs of the others, as one shared library with versioned
# symbols and as one archive. Of both only the functions of include/bake are visible: everything is
# compiled with hidden visibility, and the archive is one object whose hidden symbols were made
# local, so that a program may have a bake_span of its own.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(bake_library_uses GLOBAL PROPERTY BAKE_USES_runtime)
set(bake_library_archives)
foreach(module IN LISTS bake_library_uses)
  list(APPEND bake_library_archives "$<TARGET_FILE:bake_${module}>")
endforeach()
set(BAKE_VERSION_SCRIPT "${CMAKE_SOURCE_DIR}/src/runtime/libbake.map")

# By file, so that the options with which programs are linked (-pie, -z nodlopen) stay away.
add_library(libbake SHARED $<TARGET_OBJECTS:bake_runtime>)
set_target_properties(libbake PROPERTIES OUTPUT_NAME bake EXPORT_NAME bake LINKER_LANGUAGE C
  VERSION ${PROJECT_VERSION} SOVERSION 0 LINK_DEPENDS "${BAKE_VERSION_SCRIPT};${bake_library_archives}")
target_include_directories(libbake INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_link_options(libbake PRIVATE "-Wl,--version-script=${BAKE_VERSION_SCRIPT}" -Wl,--no-undefined-version
  -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
if(BAKE_SANITIZE)
  target_link_options(libbake PRIVATE -fsanitize=${BAKE_SANITIZE})
else()
  target_link_options(libbake PRIVATE -Wl,-z,defs)
endif()
target_link_libraries(libbake PRIVATE -Wl,--start-group ${bake_library_archives} -Wl,--end-group
  "${BAKE_crypto_LIBRARY}" Threads::Threads)
foreach(module IN LISTS bake_library_uses)
  add_dependencies(libbake bake_${module})
endforeach()

# bake_runtime itself is an archive, too: all of it, and of the others what it asks for.
set(archive "${CMAKE_CURRENT_BINARY_DIR}/libbake.a")
set(object "${CMAKE_CURRENT_BINARY_DIR}/libbake.o")
add_custom_command(OUTPUT "${archive}"
  COMMAND ${CMAKE_LINKER} -r -o "${object}" --whole-archive "$<TARGET_FILE:bake_runtime>"
          --no-whole-archive --start-group ${bake_library_archives} --end-group
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden "${object}"
  COMMAND ${CMAKE_COMMAND} -E rm -f "${archive}"
  COMMAND ${CMAKE_AR} rcsD "${archive}" "${object}"
  DEPENDS bake_runtime ${bake_library_archives} COMMAND_EXPAND_LISTS VERBATIM
  COMMENT "Linking C static library libbake.a")
add_custom_target(libbake_archive ALL DEPENDS "${archive}")
foreach(module IN LISTS bake_library_uses)
  add_dependencies(libbake_archive bake_${module})
endforeach()

install(TARGETS libbake EXPORT bakeTargets LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${archive}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${CMAKE_SOURCE_DIR}/include/bake/error.h" "${CMAKE_SOURCE_DIR}/include/bake/runtime.h"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/bake")

# For CMake: find_package(bake), bake::bake and bake::static.
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/bake")
install(EXPORT bakeTargets NAMESPACE bake:: DESTINATION "${package}")
configure_package_config_file("${CMAKE_SOURCE_DIR}/cmake/bakeConfig.cmake.in" bakeConfig.cmake
  INSTALL_DESTINATION "${package}" PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(bakeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/bakeConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/bakeConfigVersion.cmake" DESTINATION "${package}")

# For pkg-config. The prefix is found from where the file lies, so a tree may be moved.
file(RELATIVE_PATH BAKE_PC_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file("${CMAKE_SOURCE_DIR}/cmake/bake.pc.in" bake.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/bake.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
