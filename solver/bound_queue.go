package solver

// boundQueue is a heap of nodes of a search, the one to look into first on top.
type boundQueue[T interface{ Before(T) bool }] []T

func (q boundQueue[T]) Len() int           { return len(q) }
func (q boundQueue[T]) Less(i, j int) bool { return q[i].Before(q[j]) }
func (q boundQueue[T]) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *boundQueue[T]) Push(x any)        { *q = append(*q, x.(T)) }

func (q *boundQueue[T]) Pop() any {
	n := len(*q) - 1
	last := (*q)[n]
	clear((*q)[n:]) // for the collector
	*q = (*q)[:n]
	return last
}
