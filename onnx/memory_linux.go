package onnx

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static void trim(void) {
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
*/
import "C"

// ReleaseMemory gives back to the system what closed sessions left behind.
// Making a session takes tens of MB for a moment, in whichever of its arenas
// glibc gives the thread; what is freed there stays with the process, so that it
// grows until every arena has seen the largest session. It takes some
// milliseconds. Elsewhere than with glibc it does nothing.
func ReleaseMemory() { C.trim() }
