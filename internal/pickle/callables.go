package pickle

import (
	"slices"
	"strconv"
	"strings"
)

// construct makes data of what a class or function is called with: of the few that
// data is made with. It is nil where that is none, or is not called as usual.
func (m *machine) construct(name string, args []any) any {
	switch name {
	case "collections.OrderedDict", "builtins.dict":
		return m.newDict(args)
	case "collections.defaultdict":
		return m.newDict(args[min(1, len(args)):])
	case "builtins.list", "builtins.set", "builtins.frozenset", "builtins.tuple":
		return m.collected(strings.TrimPrefix(name, "builtins."), args)
	case "torch.Size":
		return m.collected("tuple", args)
	case "builtins.bytes", "builtins.bytearray", "_codecs.encode":
		return m.newBytes(args)
	case "copyreg._reconstructor": // class, base, value of the base
		if class, ok := argument(args, 0).(*global); ok {
			return m.opaque(class.name, "")
		}
	case "numpy.dtype":
		return m.newNumpyType(args)
	case "numpy._core.multiarray.scalar":
		return m.numpyScalar(args)
	case "numpy._core.multiarray._reconstruct": // BUILD brings the rest
		m.charge(costTensor)
		return &view{}
	case "numpy._core.numeric._frombuffer": // buffer, dtype, shape, order
		m.charge(costTensor)
		if v := (&view{}); len(args) == 4 && m.array(v, args[2], args[1], args[3] == "F", args[0]) {
			return v
		}
	case "torch.storage._load_from_bytes":
		return m.nestedStorage(args)
	case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3":
		return m.rebuildTensor(args)
	case "torch._tensor._rebuild_from_type_v2": // function, class, arguments, state
		if f, ok := argument(args, 0).(*global); ok && f.name != name {
			return m.call(f, argument(args, 2))
		}
	case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
		"torch._utils._rebuild_xla_tensor", "torch._utils._rebuild_device_tensor_from_numpy", "torch._utils._rebuild_device_tensor_from_cpu_tensor":
		return argument(args, 0)
	case "torch._utils._rebuild_qtensor":
		return m.opaque(name, "dequantize() it before saving")
	case "torch._utils._rebuild_sparse_tensor":
		return m.opaque(name, "to_dense() before saving")
	case "torch._utils._rebuild_meta_tensor_no_storage":
		return m.opaque(name, "save it with its values, not on the device meta")
	}
	return nil
}

// argument is args[i], or nil.
func argument(args []any, i int) any {
	if i < len(args) {
		return args[i]
	}
	return nil
}

// global resolves the name of a class or function.
func (m *machine) global(module, name any) any {
	mod, ok := module.(string)
	attribute, alsoOK := name.(string)
	if !ok || !alsoOK || len(mod)+len(attribute) > maxName {
		m.fail("a class is named by %s and %s: expected two str of at most %d bytes", TypeName(module), TypeName(name), maxName)
		return nil
	}
	switch { // names that have changed
	case mod == "__builtin__":
		mod = "builtins"
	case mod == "copy_reg":
		mod = "copyreg"
	case strings.HasPrefix(mod, "numpy.core."):
		mod = "numpy._core." + strings.TrimPrefix(mod, "numpy.core.")
	}
	m.charge(costObject + 2*(len(mod)+len(attribute)))
	return &global{mod + "." + attribute}
}

// named reads the name of a class or function as two lines.
func (m *machine) named() any {
	module := m.line()
	return m.global(module, m.line())
}

// object makes an object of a class and arguments.
func (m *machine) object(items []any) {
	if len(items) == 0 {
		m.fail("an object without a class")
	} else {
		m.push(m.call(items[0], m.collect("tuple", items[1:])))
	}
}

// extension pushes what a program has registered under a number.
func (m *machine) extension(uint64) { m.push(m.opaque("extension of another program", "")) }

// call stands for calling a class or function.
func (m *machine) call(f, args any) any {
	t, ok := args.(*collection)
	if !ok || t.kind != "tuple" {
		m.fail("arguments are %s: expected a tuple", TypeName(args))
		return nil
	}
	switch f := f.(type) {
	case *global:
		if v := m.construct(f.name, t.items); v != nil {
			return v
		}
		return m.opaque(f.name, "")
	case *object:
		return m.opaque(f.class, "")
	}
	m.fail("%s is called", TypeName(f))
	return nil
}

func (m *machine) opaque(class, remedy string) any {
	m.charge(costObject)
	return &object{class, remedy}
}

// build sets the state of an object; most states are of no interest.
func (m *machine) build(target, state any) {
	s, ok := state.(*collection)
	if !ok || s.kind != "tuple" {
		return
	}
	switch t := target.(type) {
	case *numpyType: // version, order of bytes, ...
		t.big = argument(s.items, 1) == ">"
	case *view: // version, shape, dtype, Fortran's order, values
		if t.storage == nil && len(s.items) == 5 {
			m.array(t, s.items[1], s.items[2], s.items[3] == true, s.items[4])
		}
	}
}

// newDict is dict(), or dict of a dict or of a list of pairs.
func (m *machine) newDict(args []any) any {
	if len(args) == 0 {
		return m.collect("dict", nil)
	}
	from, ok := args[0].(*collection)
	if ok && from.kind == "dict" {
		return m.collect("dict", from.items)
	}
	pairs, ok := Items(args[0])
	if !ok {
		return nil
	}
	d := m.collect("dict", nil)
	for _, p := range pairs {
		pair, ok := p.(*collection)
		if !ok || len(pair.items) != 2 || pair.kind == "dict" || m.err != nil {
			return nil
		}
		d.items = m.extend(d.items, pair.items...)
	}
	return d
}

// collected is list(), tuple(), set() or frozenset(), of nothing or another one.
func (m *machine) collected(kind string, args []any) any {
	if len(args) == 0 {
		return m.collect(kind, nil)
	}
	if from, ok := args[0].(*collection); ok && from.kind != "dict" && m.charge(costObject) {
		return &collection{kind, slices.Clip(from.items)}
	}
	return nil
}

// newBytes is bytes(), or what bytes became under protocols 0 to 2: Latin-1.
func (m *machine) newBytes(args []any) any {
	switch v := argument(args, 0).(type) {
	case nil:
		return blob{}
	case blob:
		return v
	case string:
		encoding := argument(args, 1)
		if (encoding != "latin1" && encoding != "latin-1") || !m.charge(len(v)) {
			return nil
		}
		b := make(blob, 0, len(v))
		for _, r := range v {
			if r > 0xff {
				return nil
			}
			b = append(b, byte(r))
		}
		return b
	}
	return nil
}

// numpyType is a numpy.dtype; text is that of str scalars.
type numpyType struct {
	dtype
	big, text bool
}

// newNumpyType reads a name such as f8.
func (m *machine) newNumpyType(args []any) any {
	name, _ := argument(args, 0).(string)
	name = strings.TrimLeft(name, "<>|=")
	if name == "" || !m.charge(costObject) {
		return nil
	}
	size, err := strconv.Atoi(name[1:])
	if name[0] == 'U' && err == nil {
		return &numpyType{text: true}
	}
	if d := find(func(d dtype) bool { return d.kind == name[0] && d.size == size }); d.size > 0 {
		return &numpyType{dtype: d}
	}
	return nil
}

// numpyScalar makes a Python value of a dtype and bytes.
func (m *machine) numpyScalar(args []any) any {
	t, ok := argument(args, 0).(*numpyType)
	raw, isBytes := m.rawBytes(argument(args, 1))
	switch {
	case !ok || !isBytes:
	case t.text && len(raw)%4 == 0 && m.charge(2*len(raw)):
		runes := make([]rune, len(raw)/4)
		for i := range runes {
			runes[i] = rune(unsigned(raw, i, 4, t.big))
		}
		return strings.TrimRight(string(runes), "\x00")
	case !t.text && len(raw) == t.size:
		return t.item(unsigned(raw, 0, t.size, t.big))
	}
	return nil
}

// rawBytes takes the bytes of an array: Python 2 wrote them as a str.
func (m *machine) rawBytes(v any) (raw blob, ok bool) {
	switch v := v.(type) {
	case blob:
		return v, true
	case string:
		if m.charge(len(v)) {
			return blob(v), true
		}
	}
	return nil, false
}

// array makes v an array; it stays without values, and so opaque, where the type
// is not one of numbers.
func (m *machine) array(v *view, shape, dtype any, fortran bool, data any) bool {
	sizes, ok := dims(shape)
	t, isType := dtype.(*numpyType)
	raw, isBytes := m.rawBytes(data)
	if !ok || !isType || !isBytes || t.text || !m.charge(costTensor) {
		return false
	}
	v.storage = &storage{key: "of an array", elem: t.dtype, count: len(raw) / t.size, big: t.big, data: raw}
	v.elem, v.shape, v.stride = t.dtype, sizes, contiguous(sizes, fortran)
	return true
}

// rebuildTensor makes a view of storage, offset, size, stride, requires_grad,
// hooks, and either metadata or the type and metadata.
func (m *machine) rebuildTensor(args []any) any {
	if len(args) < 4 || !m.charge(costTensor) {
		return nil
	}
	const remedy = "convert it with .float() before saving"
	s, ok := args[0].(*storage)
	if !ok {
		class := "of no storage"
		if o, ok := args[0].(*object); ok {
			class = o.class
		}
		return m.opaque(class, remedy)
	}
	v := &view{storage: s, elem: s.elem}
	if g, typed := argument(args, 6).(*global); typed {
		if v.elem = find(func(d dtype) bool { return d.name == unqualified(g.name) }); v.elem.kind == 0 {
			return m.opaque(g.name, remedy)
		}
	} else if meta, ok := argument(args, 6).(*collection); ok && len(meta.items) > 0 {
		return m.opaque("lazily conjugated or negated", "resolve_conj() and resolve_neg() before saving")
	}
	var okOffset, okShape, okStride bool
	v.offset, okOffset = args[1].(int)
	v.shape, okShape = dims(args[2])
	v.stride, okStride = dims(args[3])
	if !okOffset || !okShape || !okStride || v.offset < 0 || len(v.shape) != len(v.stride) {
		m.fail("a tensor whose offset, size or stride is none")
	}
	return v
}

// persistent makes a storage of ('storage', class, key, device, count) and, in the
// older format, None or (key, offset, count) of a part of it.
func (m *machine) persistent(id any) any {
	t, ok := id.(*collection)
	if m.file == nil || !ok || t.kind != "tuple" || len(t.items) < 2 {
		return m.opaque("a persistent id", "")
	}
	class, isClass := t.items[1].(*global)
	key, isKey := argument(t.items, 2).(string)
	count, isCount := argument(t.items, 4).(int)
	switch {
	case t.items[0] == "module": // a class with its source
		return t.items[1]
	case t.items[0] != "storage" || !isClass || !isKey || !isCount || count < 0:
		m.fail("a persistent id does not describe a storage")
		return nil
	}
	elem := find(func(d dtype) bool { return d.storage == unqualified(class.name) })
	if m.file.named[key] = elem.size; elem.kind == 0 {
		return m.opaque(class.name, "")
	}
	m.charge(costTensor)
	s := &storage{key: key, elem: elem, count: count, big: m.file.big, file: m.file}
	if part, ok := argument(t.items, 5).(*collection); ok {
		var okOffset, okCount bool
		s.offset, okOffset = argument(part.items, 1).(int)
		s.count, okCount = argument(part.items, 2).(int)
		if !okOffset || !okCount || s.offset < 0 || s.count < 0 || s.offset > count-s.count {
			m.fail("storage %q is no part of another", clip(key))
		}
	}
	return s
}

// nestedStorage is the storage of a tensor in a plain pickle, which is a torch
// file of its own.
func (m *machine) nestedStorage(args []any) any {
	raw, ok := argument(args, 0).(blob)
	if !ok || m.nested || !m.charge(len(raw)) {
		return nil
	}
	root, _, err := openLegacy(raw, m.free, true)
	if s, ok := root.(*storage); ok && err == nil {
		return s
	}
	return nil
}
