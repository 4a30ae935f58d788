package backprop

// tiles say how a map is made from another by one small Toeplitz matrix: the
// map made is cut into square tiles, and each is the same function of the square
// of positions that it reads. Positions are indices into a map, row by row; the
// index behind the last stands for the zeros around it.
type tiles struct {
	count    int
	to, from int       // positions of a tile, and of what it reads
	read     []int     // [from·count] positions read; nil: the whole map
	made     []int     // [to·count] positions made, the outside where a tile sticks out; nil: the whole map
	place    []int     // [positions] where in made a position is
	taps     []float32 // S [kernel², to·from]: 1 where a weight joins two positions
}

// tileSide is the side of the tiles of maps that are cut; wholeLimit is the
// largest Toeplitz matrix for which a map is not.
const (
	tileSide   = 8
	wholeLimit = 64 * 256
)

// window is what the positions 0 to size-1 of a line read: low to high. The
// next tile's window lies moved further.
type window struct{ size, low, high, moved int }

// newTiles lays tiles over a map of side to made from one of side from. tap is
// the coordinate of the weight between two coordinates of a tile and its window,
// outside 0 to kernel-1 where none joins them.
func newTiles(to, from, kernel int, w window, tap func(to, from int) int) tiles {
	across := (to + w.size - 1) / w.size
	if w.size >= to {
		w = window{size: to, low: 0, high: from - 1}
		across = 1
	}
	span := w.high - w.low + 1
	t := tiles{count: across * across, to: w.size * w.size, from: span * span}
	t.taps = make([]float32, kernel*kernel*t.to*t.from)
	joined := func(to, from int) (int, bool) {
		k := tap(to, from+w.low)
		return k, k >= 0 && k < kernel
	}
	grid(w.size, func(i, ty, tx int) {
		grid(span, func(j, fy, fx int) {
			ky, ok := joined(ty, fy)
			kx, too := joined(tx, fx)
			if ok && too {
				t.taps[((ky*kernel+kx)*t.to+i)*t.from+j] = 1
			}
		})
	})
	if t.count > 1 {
		t.cut(to, from, across, span, w)
	}
	return t
}

// cut fills in the positions of every tile.
func (t *tiles) cut(to, from, across, span int, w window) {
	t.read, t.made, t.place = make([]int, t.from*t.count), make([]int, t.to*t.count), make([]int, to*to)
	grid(across, func(n, sy, sx int) {
		grid(span, func(j, y, x int) {
			t.read[j*t.count+n] = position(from, sy*w.moved+w.low+y, sx*w.moved+w.low+x)
		})
		grid(w.size, func(i, y, x int) {
			p := position(to, sy*w.size+y, sx*w.size+x)
			t.made[i*t.count+n] = p
			if p < to*to {
				t.place[p] = i*t.count + n
			}
		})
	})
}

// position is the index of a place in a map, or that of the zeros outside.
func position(side, y, x int) int {
	if y < 0 || x < 0 || y >= side || x >= side {
		return side * side
	}
	return y*side + x
}

// grid visits the places of a square row by row.
func grid(side int, visit func(index, y, x int)) {
	for y := range side {
		for x := range side {
			visit(y*side+x, y, x)
		}
	}
}
