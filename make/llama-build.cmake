# Read by llama-cpp-python's build through CMAKE_PROJECT_INCLUDE, after each project() of it.

# Its own CMakeLists forces llama.cpp's `common` library on, which only multimodal input needs: without it the build has
# 83 steps instead of 193.
set(LLAMA_BUILD_COMMON OFF)

# Where GCC's _tile_loadconfig says that it reads 8 bytes of the 64 that it reads (Debian 12's GCC 12.2 does), what sets
# the others is optimised away, and the first batch of a quantised model ends the process: see llama-amx.h.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64"
        AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 11 AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-include \"${CMAKE_CURRENT_LIST_DIR}/llama-amx.h\">")
endif()
