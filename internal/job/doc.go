// Package job runs long work in the background: measuring, training,
// sampling. A job has a name, reports progress and a log, can be cancelled at
// any time, and knows nothing of the screen: it publishes a [Snapshot] on each
// change, and whoever shows jobs subscribes.
//
// Work that keeps its progress in a folder goes on where it was when it is
// started again; the package leaves that to the work itself.
package job
