# The libraries from outside, one imported target each. Which module may use which is decided in
# src/CMakeLists.txt (FOREIGN), and checked by ci/layering.
find_package(Threads REQUIRED)

function(bake_dependency name header library)
  if(BAKE_STATIC)
    set(candidates "lib${library}.a")
  else()
    set(candidates "${library}")
  endif()
  find_path(BAKE_${name}_INCLUDE "${header}" HINTS "${BAKE_DEPS_PREFIX}/include" REQUIRED)
  find_library(BAKE_${name}_LIBRARY NAMES ${candidates} HINTS "${BAKE_DEPS_PREFIX}/lib" REQUIRED)
  add_library(bake_dep_${name} INTERFACE)
  target_include_directories(bake_dep_${name} SYSTEM INTERFACE "${BAKE_${name}_INCLUDE}")
  target_link_libraries(bake_dep_${name} INTERFACE "${BAKE_${name}_LIBRARY}")
endfunction()

bake_dependency(crypto openssl/evp.h crypto)
bake_dependency(jansson jansson.h jansson)
bake_dependency(curl curl/curl.h curl)
if(NOT BAKE_STATIC) # Debian's libmicrohttpd.a wants GnuTLS, of which there is no static form
  bake_dependency(microhttpd microhttpd.h microhttpd)
  bake_dependency(zlib zlib.h z)
endif()
if(BAKE_STATIC)
  find_library(BAKE_ssl_LIBRARY NAMES libssl.a REQUIRED)
  target_link_libraries(bake_dep_curl INTERFACE "${BAKE_ssl_LIBRARY}" "${BAKE_crypto_LIBRARY}")
  target_compile_definitions(bake_dep_curl INTERFACE CURL_STATICLIB)
endif()
