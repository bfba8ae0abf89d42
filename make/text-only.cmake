# Read by llama-cpp-python's build through CMAKE_PROJECT_INCLUDE. Its own CMakeLists forces llama.cpp's `common` library
# on, which only multimodal input needs: without it the build has 83 steps instead of 193.
set(LLAMA_BUILD_COMMON OFF)
