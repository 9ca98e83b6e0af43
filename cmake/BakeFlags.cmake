# Warnings and hardening. Each flag is used where the compiler has it, so that one list serves
# gcc and clang of any age.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

add_library(bake_flags INTERFACE)
target_compile_definitions(bake_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)

function(bake_flag_name out flag)
  string(MAKE_C_IDENTIFIER "HAVE${flag}" name)
  set(${out} "${name}" PARENT_SCOPE)
endfunction()

function(bake_compile_flags)
  foreach(flag IN LISTS ARGN)
    bake_flag_name(name "${flag}")
    check_c_compiler_flag("${flag}" ${name})
    if(${name})
      target_compile_options(bake_flags INTERFACE "${flag}")
    endif()
  endforeach()
endfunction()

function(bake_link_flags)
  foreach(flag IN LISTS ARGN)
    bake_flag_name(name "LINK${flag}")
    check_linker_flag(C "${flag}" ${name})
    if(${name})
      target_link_options(bake_flags INTERFACE "${flag}")
    endif()
  endforeach()
endfunction()

bake_compile_flags(
  -Wall -Wextra -Wpedantic -Wformat=2 -Wconversion -Wsign-conversion -Wshadow -Wcast-qual
  -Wcast-align -Wvla -Wundef -Wpointer-arith -Wwrite-strings -Wstrict-prototypes
  -Wmissing-prototypes -Wmissing-declarations -Wold-style-definition -Wnested-externs
  -Wredundant-decls -Wimplicit-fallthrough -Wswitch-enum -Wdouble-promotion -Wnull-dereference
  -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wtrampolines -Wbidi-chars=any
  -Wno-missing-field-initializers
  -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion
  -Werror=return-type)
target_compile_options(bake_flags INTERFACE -Werror=format-security)
# No file of ours calls a banned function: the names are poisoned before its first line.
target_compile_options(bake_flags INTERFACE
  -include "${CMAKE_SOURCE_DIR}/src/base/banned.h")
if(BAKE_WERROR)
  bake_compile_flags(-Werror)
endif()

bake_compile_flags(
  -fstack-protector-strong -fstack-clash-protection -fstrict-flex-arrays=3
  -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -fno-common
  -ftrivial-auto-var-init=zero -fzero-init-padding-bits=all)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  bake_compile_flags(-fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  bake_compile_flags(-mbranch-protection=standard)
endif()
if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT BAKE_SANITIZE)
  target_compile_options(bake_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
bake_link_flags(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,nodlopen -Wl,--as-needed)

# Programs export nothing, and libbake what include/bake marks with BAKE_API.
bake_compile_flags(-fvisibility=hidden)

# Paths of the building machine must not reach the binaries.
bake_compile_flags("-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")

if(BAKE_SANITIZE)
  target_compile_options(bake_flags INTERFACE
    -fsanitize=${BAKE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(bake_flags INTERFACE -fsanitize=${BAKE_SANITIZE})
endif()
if(BAKE_FUZZ)
  target_compile_options(bake_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(BAKE_STATIC)
  set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(bake_flags INTERFACE -fPIE -ffunction-sections -fdata-sections)
  target_link_options(bake_flags INTERFACE -static-pie -s -Wl,--gc-sections -Wl,--build-id=none)
  # The linker warns of getaddrinfo in static programs. Since glibc 2.34 hosts and DNS need no
  # modules: it works in an empty root, which tests/integration/test_static.py shows.
  bake_link_flags(-Wl,--no-warnings)
  # Relative relocations packed: OpenSSL's tables alone are half a megabyte of them otherwise.
  bake_link_flags(-Wl,-z,pack-relative-relocs)
else()
  # Not -fPIE: the same objects make libbake.so. With hidden visibility they are hardly slower.
  target_compile_options(bake_flags INTERFACE -fPIC)
  target_link_options(bake_flags INTERFACE -pie)
endif()
