# bake_embed(TARGET DIRECTORY): the files of a directory as a table in TARGET, assets.c, which is
# made anew when one of them changes. index.html is at "/", the others below "/page/". Only names of
# small letters, digits, "-" and "." with a known ending are taken.
function(bake_embed_type out ending)
  if(ending STREQUAL ".html")
    set(type "text/html; charset=utf-8")
  elseif(ending STREQUAL ".css")
    set(type "text/css; charset=utf-8")
  elseif(ending STREQUAL ".js")
    set(type "text/javascript; charset=utf-8")
  elseif(ending STREQUAL ".svg")
    set(type "image/svg+xml")
  elseif(ending STREQUAL ".txt")
    set(type "text/plain; charset=utf-8")
  else()
    set(type "")
  endif()
  set(${out} "${type}" PARENT_SCOPE)
endfunction()

function(bake_embed target directory)
  file(GLOB files CONFIGURE_DEPENDS "${directory}/*")
  set(arrays "")
  set(rows "")
  set(number 0)
  foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME)
    get_filename_component(ending "${file}" LAST_EXT)
    bake_embed_type(type "${ending}")
    if(NOT type OR NOT name MATCHES "^[a-z0-9.-]+$")
      message(FATAL_ERROR "${file}: a file of this name cannot be embedded")
    endif()
    set(path "/page/${name}")
    if(name STREQUAL "index.html")
      set(path "/")
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(SHA256 "${file}" digest)
    file(READ "${file}" bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND arrays "static const unsigned char bytes_${number}[] = {${bytes}};\n")
    string(APPEND rows
      "\t{\"${path}\", \"${type}\", bytes_${number}, sizeof(bytes_${number}), \"${digest}\"},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  set(made "${CMAKE_CURRENT_BINARY_DIR}/assets.c")
  file(GENERATE OUTPUT "${made}" CONTENT "/* Made by cmake/BakeEmbed.cmake. */
#include \"serve/serve.h\"

${arrays}
extern const struct bake_asset bake_assets[];
extern const size_t bake_asset_count;

const struct bake_asset bake_assets[] = {
${rows}};
const size_t bake_asset_count = sizeof(bake_assets) / sizeof(bake_assets[0]);
")
  target_sources(${target} PRIVATE "${made}")
endfunction()
