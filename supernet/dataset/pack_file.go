package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// packForm says what of an image a pack holds.
type packForm int

const (
	formWhole   packForm = iota // the square in the middle at the size of batches: what evaluation sees
	formTrimmed                 // of a set whose border is trimmed
	formReduced                 // the whole image with a margin, which random crops are of
	packForms
)

// A pack file is a header, a table of entries ([images][packForms]), and pixels.
// Numbers are little-endian. Pixels are appended first and their entry is written
// then, so that a process that is killed leaves nothing wrong; an entry has a check
// sum, so that a machine that crashes does not either.
const (
	packMagic   = "binas-tui pack\n\x00"
	packVersion = 2
	packHeader  = 64 // bytes: magic, version, images, size, the sum of the files
	packEntry   = 24 // bytes: offset 8, width 4, height 4, check sum 4, unused 4
)

// keepFree is the room that packs leave on the disk, in bytes. Tests change it.
var keepFree int64 = 1 << 30

// packFile holds the images of a part of a data set, as far as they were needed so
// far. Its methods may be called from many goroutines, and other processes may use
// the file at the same time: it is read, not mapped, so that what goes wrong with it is
// an error.
type packFile struct {
	path         string
	file         *os.File
	images, size int
	sum          [32]byte // of names, labels, sizes and times of the image files

	mu      sync.Mutex             // of adding, and of there
	there   picture                // what another process has added
	stopped atomic.Pointer[string] // why nothing is added any more
}

// errStale says that a pack is not of the files as they are now.
var errStale = errors.New("the images have changed since, or another version made it")

// openPackFile opens a pack, or makes an empty one where there is none, or remade
// where there is a stale one.
func openPackFile(ctx context.Context, path string, images, size int, sum [32]byte) (p *packFile, made, remade bool, err error) {
	p = &packFile{path: path, images: images, size: size, sum: sum}
	if err = p.open(); err == nil {
		return p, false, false, nil
	}
	remade = errors.Is(err, errStale)
	if !remade && !errors.Is(err, os.ErrNotExist) {
		return nil, false, false, err
	}
	release, err := p.waitForLock(ctx, time.Second)
	if err != nil {
		return nil, false, false, err
	}
	defer release()
	if p.open() == nil { // another process was faster
		return p, false, false, nil
	}
	err = safefile.Replace(path, false, func(w io.Writer) error {
		if _, err := w.Write(p.header()); err != nil {
			return err
		}
		none := make([]byte, 1<<16)
		for left := p.tableBytes(); left > 0; left -= int64(len(none)) {
			if _, err := w.Write(none[:min(left, int64(len(none)))]); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err == nil {
		err = p.open()
	}
	return p, true, remade, err
}

func (p *packFile) lock() string { return p.path + ".lock" }

// waitForLock takes the lock. Who has it adds one image, or makes the file: a time
// is waited for that.
func (p *packFile) waitForLock(ctx context.Context, wait time.Duration) (release func(), err error) {
	return safefile.WaitForLock(ctx, p.lock(), wait)
}

func (p *packFile) tableBytes() int64 { return int64(p.images) * int64(packForms) * packEntry }

func (p *packFile) header() []byte {
	h := append(make([]byte, 0, packHeader), packMagic...)
	for _, n := range []int{packVersion, p.images, p.size, 0} {
		h = binary.LittleEndian.AppendUint32(h, uint32(n))
	}
	return append(h, p.sum[:]...)
}

// open opens the file to read and write, or where it must not be written to read.
func (p *packFile) open() error {
	f, err := safefile.OpenFile(p.path, os.O_RDWR)
	readOnly := errors.Is(err, os.ErrPermission)
	if readOnly {
		f, err = safefile.Open(p.path)
	}
	if err != nil {
		return err
	}
	head := make([]byte, packHeader)
	info, err := f.Stat()
	if err == nil {
		_, err = f.ReadAt(head, 0)
	}
	if err != nil || !bytes.Equal(head, p.header()) || info.Size() < packHeader+p.tableBytes() {
		f.Close()
		return fmt.Errorf("%s: %w", p.path, errStale)
	}
	if p.file = f; readOnly {
		p.stop("it must not be written to")
	}
	return nil
}

// stop says why nothing is added any more, once.
func (p *packFile) stop(why string) { p.stopped.CompareAndSwap(nil, &why) }

// trouble is why nothing is added any more, or "".
func (p *packFile) trouble() string {
	if why := p.stopped.Load(); why != nil {
		return *why
	}
	return ""
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checkSum is that of an entry, without it, and of its pixels.
func checkSum(entry, pix []byte) uint32 {
	return crc32.Update(crc32.Checksum(entry[:16], castagnoli), castagnoli, pix)
}

func (p *packFile) entryAt(i int, form packForm) int64 {
	return packHeader + (int64(i)*int64(packForms)+int64(form))*packEntry
}

// get reads image i. It returns false where the pack does not have it, whole.
func (p *packFile) get(i int, form packForm, into *picture) bool {
	if p == nil {
		return false
	}
	var entry [packEntry]byte
	if _, err := p.file.ReadAt(entry[:], p.entryAt(i, form)); err != nil {
		return false
	}
	at, w, h := int64(binary.LittleEndian.Uint64(entry[:])), int(binary.LittleEndian.Uint32(entry[8:])), int(binary.LittleEndian.Uint32(entry[12:]))
	if at < packHeader+p.tableBytes() || w < 1 || h < 1 || w > mostReduced(p.size)/h {
		return false
	}
	if form != formReduced && (w != p.size || h != p.size) {
		return false
	}
	into.reshape(w, h)
	_, err := p.file.ReadAt(into.pix, at)
	return err == nil && checkSum(entry[:], into.pix) == binary.LittleEndian.Uint32(entry[16:])
}

// put adds an image, unless there is no room. What goes wrong is kept for
// [Pack.Trouble]: the image is there anyway. While other processes add images it
// waits, for a second where all are to be added, else so briefly that who trains
// does not notice: the image is added the next time, then.
func (p *packFile) put(ctx context.Context, i int, form packForm, m *picture, all bool) {
	if p == nil || p.stopped.Load() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := 20 * time.Millisecond
	if all {
		wait = time.Second
	}
	release, err := p.waitForLock(ctx, wait)
	if ctx.Err() != nil || !all && errors.Is(err, safefile.ErrLocked) {
		if err == nil {
			release()
		}
		return
	}
	if err == nil {
		defer release()
		if p.get(i, form, &p.there) && p.there.width == m.width && bytes.Equal(p.there.pix, m.pix) { // another process was faster
			return
		}
		err = p.append(i, form, m)
	}
	if err != nil {
		p.stop(err.Error())
	}
}

func (p *packFile) append(i int, form packForm, m *picture) error {
	if free, err := freeBytes(p.path); err != nil {
		return err
	} else if free-int64(len(m.pix)) < keepFree {
		return fmt.Errorf("the disk is full but for %s", SizeText(free))
	}
	at, err := p.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := p.file.WriteAt(m.pix, at); err != nil {
		p.file.Truncate(at) // makes room again; what was lost was nobody's
		return err
	}
	var entry [packEntry]byte
	binary.LittleEndian.PutUint64(entry[:], uint64(at))
	binary.LittleEndian.PutUint32(entry[8:], uint32(m.width))
	binary.LittleEndian.PutUint32(entry[12:], uint32(m.height))
	binary.LittleEndian.PutUint32(entry[16:], checkSum(entry[:], m.pix))
	_, err = p.file.WriteAt(entry[:], p.entryAt(i, form))
	return err
}

// counts is how many images are there in each form.
func (p *packFile) counts() (n [packForms]int) {
	table := io.NewSectionReader(p.file, packHeader, p.tableBytes())
	block := make([]byte, 1024*int(packForms)*packEntry)
	for i := 0; ; {
		read, err := io.ReadFull(table, block)
		for at := 0; at+packEntry <= read; at, i = at+packEntry, i+1 {
			if binary.LittleEndian.Uint64(block[at:]) != 0 {
				n[i%int(packForms)]++
			}
		}
		if err != nil {
			return n
		}
	}
}

// SizeText is a number of bytes for people.
func SizeText(bytes int64) string {
	switch mb := float64(bytes) / 1e6; {
	case mb >= 1000:
		return fmt.Sprintf("%.1f GB", mb/1000)
	case mb >= 10:
		return fmt.Sprintf("%.0f MB", mb)
	default:
		return fmt.Sprintf("%.1f MB", mb)
	}
}
