# What every target of ours shares: C++20, warnings, ccache, sanitizers, one place for programs and one for libraries.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# What a part found is also seen by the tests and programs that link it.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")

find_program(STEGPASS_CCACHE ccache)
if(STEGPASS_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      "${STEGPASS_CCACHE}")
endif()

# GCC spends a seventh of its time collecting garbage in a heap that it keeps small; with 1.5 GB it hardly begins, for 100 MB more a job.
add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:--param=ggc-min-heapsize=1500000>)

if(STEGPASS_WITH_CUDA)
  set(CMAKE_CUDA_STANDARD 17)  # CMake 3.25 knows no 20
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)  # the one that LibTorch uses
  enable_language(CUDA)
endif()

set(STEGPASS_SANITIZE "" CACHE STRING "Sanitizers for all targets of ours: address,undefined or thread")
if(STEGPASS_SANITIZE)
  add_compile_options(-fsanitize=${STEGPASS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${STEGPASS_SANITIZE})
endif()

add_library(stegpass_warnings INTERFACE)
target_compile_options(stegpass_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wno-missing-field-initializers>
  $<$<AND:$<BOOL:${STEGPASS_WERROR}>,$<COMPILE_LANGUAGE:CXX>>:-Werror>)
# GCC 12 takes "literal" + std::string for an overlapping copy, or for one of unbounded length (its bug 105651).
target_compile_options(stegpass_warnings INTERFACE
  $<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread>)

# What does no heavy work of its own, the command line and the tests, is compiled faster in a release build: with -O1, or the OPTION given.
function(stegpass_compile_quickly target)
  cmake_parse_arguments(arg "" "OPTION" "" ${ARGN})
  if(NOT arg_OPTION)
    set(arg_OPTION -O1)
  endif()
  # Points-to analysis alone takes a tenth of the time.
  target_compile_options(${target} PRIVATE $<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:${arg_OPTION}>
    $<$<AND:$<CONFIG:Release>,$<COMPILE_LANG_AND_ID:CXX,GNU>>:-fno-tree-pta>)
endfunction()

# stegpass_compile_groups(TARGET): of TARGET's files those of a compile_together group are compiled as one, since their headers take most of the
# compiler's time; their unnamed namespaces then share one scope. A file that is in no group is compiled by itself.
function(stegpass_compile_groups target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
function(compile_together group)
  set_source_files_properties(${ARGN} PROPERTIES UNITY_GROUP ${group})
endfunction()

# stegpass_library(NAME [SOURCES ...]): a static library `NAME` with the alias stegpass::NAME and public headers in include/.
function(stegpass_library name)
  cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  add_library(stegpass::${name} ALIAS ${name})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME stegpass_${name})
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE src)
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:stegpass_warnings>)
endfunction()
