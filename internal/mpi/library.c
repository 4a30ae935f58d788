//go:build cgo && !windows

#include <dlfcn.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include "library.h"

// An ABI has handles that are ints (MPICH's) or pointers (the others').
static struct {
	int ints, funneled;
	intptr_t world, byte, floats, sum, errors_return;
	void *in_place, *status_ignore;
} abi;

static void *library;

#define FUNCTIONS(F) \
	F(Init_thread) F(Finalize) F(Abort) F(Comm_rank) F(Comm_size) F(Comm_set_errhandler) F(Error_string) F(Get_library_version) \
	F(Ibcast) F(Iallgather) F(Ialltoall) F(Allreduce) F(Test)

static struct {
#define F(name) void *name;
	FUNCTIONS(F)
#undef F
} f;

const char *binas_mpi_open(const char *path) {
	library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	return library ? 0 : dlerror();
}

const char *binas_mpi_functions(void) {
#define F(name) if (!(f.name = dlsym(library, "MPI_" #name))) return "MPI_" #name;
	FUNCTIONS(F)
#undef F
	return 0;
}

int binas_mpi_version(char *text) {
	int n = 0;
	return ((int (*)(char *, int *))f.Get_library_version)(text, &n) ? 0 : n;
}

int binas_mpi_openmpi(void) {
	void *world = dlsym(library, "ompi_mpi_comm_world"), *byte = dlsym(library, "ompi_mpi_byte"), *floats = dlsym(library, "ompi_mpi_float"),
	     *sum = dlsym(library, "ompi_mpi_op_sum"), *errors = dlsym(library, "ompi_mpi_errors_return");
	if (!world || !byte || !floats || !sum || !errors)
		return 0;
	abi.ints = 0, abi.funneled = 1, abi.in_place = (void *)1, abi.status_ignore = 0;
	abi.world = (intptr_t)world, abi.byte = (intptr_t)byte, abi.floats = (intptr_t)floats, abi.sum = (intptr_t)sum, abi.errors_return = (intptr_t)errors;
	return 1;
}

void binas_mpi_mpich(void) {
	abi.ints = 1, abi.funneled = 1, abi.in_place = (void *)-1, abi.status_ignore = (void *)1;
	abi.world = 0x44000000, abi.byte = 0x4c00010d, abi.floats = 0x4c00040a, abi.sum = 0x58000003, abi.errors_return = 0x54000001;
}

int binas_mpi_standard(void) {
	if (!dlsym(library, "MPI_Abi_get_version"))
		return 0;
	abi.ints = 0, abi.funneled = 1024, abi.in_place = (void *)1, abi.status_ignore = 0;
	abi.world = 0x101, abi.byte = 0x247, abi.floats = 0x210, abi.sum = 0x21, abi.errors_return = 0x142;
	return 1;
}

// Handles in the type of the ABI.
#define P(handle) ((void *)(handle))
#define I(handle) ((int)(handle))

int binas_mpi_init(int *rank, int *size) {
	int provided = 0, rc = ((int (*)(void *, void *, int, int *))f.Init_thread)(0, 0, abi.funneled, &provided);
	if (rc)
		return rc;
	if (provided < abi.funneled)
		return BINAS_MPI_THREADS;
	if (abi.ints) {
		if ((rc = ((int (*)(int, int))f.Comm_set_errhandler)(I(abi.world), I(abi.errors_return))) ||
		    (rc = ((int (*)(int, int *))f.Comm_rank)(I(abi.world), rank)))
			return rc;
		return ((int (*)(int, int *))f.Comm_size)(I(abi.world), size);
	}
	if ((rc = ((int (*)(void *, void *))f.Comm_set_errhandler)(P(abi.world), P(abi.errors_return))) ||
	    (rc = ((int (*)(void *, int *))f.Comm_rank)(P(abi.world), rank)))
		return rc;
	return ((int (*)(void *, int *))f.Comm_size)(P(abi.world), size);
}

int binas_mpi_finalize(void) { return ((int (*)(void))f.Finalize)(); }

void binas_mpi_abort(int code) {
	if (abi.ints)
		((int (*)(int, int))f.Abort)(I(abi.world), code);
	else
		((int (*)(void *, int))f.Abort)(P(abi.world), code);
}

int binas_mpi_error(int code, char *text) {
	int n = 0;
	return ((int (*)(int, char *, int *))f.Error_string)(code, text, &n) ? 0 : n;
}

int binas_mpi_allreduce(float *values, int n) {
	if (abi.ints)
		return ((int (*)(void *, void *, int, int, int, int))f.Allreduce)(abi.in_place, values, n, I(abi.floats), I(abi.sum), I(abi.world));
	return ((int (*)(void *, void *, int, void *, void *, void *))f.Allreduce)(abi.in_place, values, n, P(abi.floats), P(abi.sum), P(abi.world));
}

static int start(int operation, void *from, void *to, int n, void *request) {
	typedef int (*bcast_i)(void *, int, int, int, int, void *);
	typedef int (*bcast_p)(void *, int, void *, int, void *, void *);
	typedef int (*all_i)(void *, int, int, void *, int, int, int, void *);
	typedef int (*all_p)(void *, int, void *, void *, int, void *, void *, void *);
	if (operation == BINAS_MPI_BROADCAST)
		return abi.ints ? ((bcast_i)f.Ibcast)(to, n, I(abi.byte), 0, I(abi.world), request)
		                : ((bcast_p)f.Ibcast)(to, n, P(abi.byte), 0, P(abi.world), request);
	void *all = operation == BINAS_MPI_ALLGATHER ? f.Iallgather : f.Ialltoall;
	return abi.ints ? ((all_i)all)(from, n, I(abi.byte), to, n, I(abi.byte), I(abi.world), request)
	                : ((all_p)all)(from, n, P(abi.byte), to, n, P(abi.byte), P(abi.world), request);
}

// How often a patient operation asks before it sleeps, and how long it sleeps, in ns.
enum { EAGER = 2000, SLEEP_LEAST = 20000, SLEEP_MOST = 500000 };

int binas_mpi_run(int operation, void *from, void *to, int n, int patient, int32_t *stop) {
	int (*test)(void *, int *, void *) = f.Test;
	void *request = 0; // an int in its place where handles are ints
	long sleep = SLEEP_LEAST;
	int rc = start(operation, from, to, n, &request);
	for (int i = 0; !rc; i++) {
		int done = 0;
		if ((rc = test(&request, &done, abi.status_ignore)) || done)
			break;
		if (__atomic_load_n(stop, __ATOMIC_RELAXED))
			return BINAS_MPI_STOPPED;
		if (i < EAGER)
			continue;
		if (!patient) {
			sched_yield();
			continue;
		}
		struct timespec t = {0, sleep};
		nanosleep(&t, 0);
		sleep = sleep * 5 / 4 < SLEEP_MOST ? sleep * 5 / 4 : SLEEP_MOST;
	}
	return rc;
}
