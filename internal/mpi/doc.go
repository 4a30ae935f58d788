// Package mpi lets several processes, the ranks of a launcher such as mpirun or
// srun, do one piece of work together. The user's MPI library is loaded while the
// program runs, and only under a launcher: nothing is needed where there is none.
//
// Sums are taken in a fixed order, a balanced tree over the ranks,
//
//	((x₀+x₁)+(x₂+x₃))+((x₄+x₅)+(x₆+x₇))
//
// so that they have the same bits with every library. Where the rank's own part is
// a subtree of a tree over more parts, they have the same bits for every number of
// ranks: see [Tree].
//
// Three binary interfaces are known: that of Open MPI, that of MPICH (which Intel
// MPI, MVAPICH and Cray MPICH share), and the standard one of MPI 5.
package mpi
