# bake_module(NAME [USES module...] [FOREIGN dependency...])
#
# One stratum of the library: a static target bake_NAME built from src/NAME/*.c. Its sources can
# include "NAME/..." and the headers of the modules in USES, and nothing else of ours: each module
# is seen through a directory that holds one link to it, and only the named ones are searched.
# So an include outside USES does not compile. FOREIGN names the outside libraries it may see.
set(BAKE_VIEW_DIR "${CMAKE_BINARY_DIR}/view")

function(bake_module_view name)
  file(MAKE_DIRECTORY "${BAKE_VIEW_DIR}/${name}")
  file(CREATE_LINK "${CMAKE_SOURCE_DIR}/src/${name}" "${BAKE_VIEW_DIR}/${name}/${name}" SYMBOLIC)
endfunction()

function(bake_see target)
  foreach(module IN LISTS ARGN)
    target_include_directories(${target} PRIVATE "${BAKE_VIEW_DIR}/${module}")
  endforeach()
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/include")
endfunction()

function(bake_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;FOREIGN")
  bake_module_view(${name})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.c")
  add_library(bake_${name} STATIC ${sources})
  target_link_libraries(bake_${name} PRIVATE bake_flags)
  bake_see(bake_${name} ${name} ${arg_USES})
  foreach(used IN LISTS arg_USES)
    target_link_libraries(bake_${name} PUBLIC bake_${used})
  endforeach()
  foreach(dependency IN LISTS arg_FOREIGN)
    target_link_libraries(bake_${name} PRIVATE bake_dep_${dependency})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY BAKE_MODULES ${name})
  set_property(GLOBAL PROPERTY BAKE_USES_${name} ${arg_USES})
endfunction()

# bake_tool(NAME USES module...): tools/NAME.c plus what the tools share.
function(bake_tool name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES")
  add_executable(${name} "${CMAKE_SOURCE_DIR}/tools/${name}.c")
  target_link_libraries(${name} PRIVATE bake_flags bake_cli)
  bake_see(${name} cli ${arg_USES})
  foreach(used IN LISTS arg_USES)
    target_link_libraries(${name} PRIVATE bake_${used})
  endforeach()
endfunction()
