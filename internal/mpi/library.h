#include <stdint.h>

// What binas_mpi_run does, and what it returns beside MPI's error codes: its
// context has ended, or the library gives no MPI_THREAD_FUNNELED.
enum { BINAS_MPI_BROADCAST, BINAS_MPI_ALLGATHER, BINAS_MPI_ALLTOALL };
enum { BINAS_MPI_STOPPED = -1000, BINAS_MPI_THREADS };

const char *binas_mpi_open(const char *path); // what is wrong, or 0
const char *binas_mpi_functions(void);        // the first that is missing, or 0
int binas_mpi_version(char *text);            // its length
int binas_mpi_openmpi(void);                  // whether the library has this ABI
int binas_mpi_standard(void);
void binas_mpi_mpich(void);
int binas_mpi_init(int *rank, int *size);
int binas_mpi_finalize(void);
void binas_mpi_abort(int code);
int binas_mpi_error(int code, char *text); // its length
int binas_mpi_allreduce(float *values, int n);
// n are bytes of a part.
int binas_mpi_run(int operation, void *from, void *to, int n, int patient, int32_t *stop);
