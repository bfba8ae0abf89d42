/* Read before every C++ file of llama.cpp where llama-build.cmake says so.

GCC's own _tile_loadconfig tells the compiler that it reads 8 bytes of the 64 that it reads, so what sets the others was
optimised away. This one tells it of all. */

#if defined(__AMX_TILE__) && !defined(DOCENT_LLAMA_AMX)
#define DOCENT_LLAMA_AMX

#include <immintrin.h>

static inline void load_tile_config(const void *config) {
    __asm__ volatile("ldtilecfg %0" : : "m"(*(const char(*)[64])config));
}

#define _tile_loadconfig load_tile_config

#endif
