package mutants_test

import (
	"bytes"
	"encoding/asn1"
	"math/rand/v2"
)

// chance makes mutants. The same seed makes the same ones.
type chance struct{ *rand.Rand }

// below is a number from 0 to n-1, and 0 where there is none.
func (c chance) below(n int) int {
	if n <= 0 {
		return 0
	}
	return c.IntN(n)
}

func (c chance) bytes(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(c.IntN(256))
	}
	return out
}

// mutant changes one of the samples: half of them byte by byte, so that lengths lie, half as a tree that is encoded
// anew with lengths that are right, so that what stands deep inside is reached.
func (c chance) mutant(samples [][]byte) []byte {
	der := bytes.Clone(samples[c.IntN(len(samples))])
	for range 1 + c.below(3) {
		if c.IntN(2) == 0 {
			der = c.bent(der, samples)
		} else if tree, ok := parse(der, 0); ok {
			der = c.pruned(tree, samples)
		}
	}
	return der
}

// bent changes bytes without looking at what they mean.
func (c chance) bent(der []byte, samples [][]byte) []byte {
	at := c.below(len(der))
	switch c.IntN(9) {
	case 0: // a bit
		if len(der) > 0 {
			der[at] ^= 1 << c.IntN(8)
		}
	case 1:
		if len(der) > 0 {
			der[at] = byte(c.IntN(256))
		}
	case 2: // cut short
		der = der[:at]
	case 3: // something behind it
		der = append(der, c.bytes(1+c.below(40))...)
	case 4: // a piece twice
		end := min(len(der), at+1+c.below(32))
		der = bytes.Join([][]byte{der[:end], der[at:end], der[end:]}, nil)
	case 5: // a piece out
		der = bytes.Join([][]byte{der[:at], der[min(len(der), at+1+c.below(16)):]}, nil)
	case 6: // a length that lies: indefinite, enormous, none
		lie := [][]byte{{0x80}, {0x84, 0xff, 0xff, 0xff, 0xff}, {0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x00}, {0x81, 0x00}}
		der = bytes.Join([][]byte{der[:at], lie[c.IntN(len(lie))], der[min(len(der), at+1):]}, nil)
	case 7: // half of another
		other := samples[c.IntN(len(samples))]
		der = append(der[:at:at], other[c.below(len(other)):]...)
	case 8: // very deep
		der = bytes.Join([][]byte{der[:at], bytes.Repeat([]byte{0x30, 0x80}, 1+c.below(400)), der[at:]}, nil)
	}
	return der
}

// node is a value of DER: what it holds, if it is constructed, else its bytes.
type node struct {
	tag    []byte
	value  []byte
	inside []*node
}

// parse reads DER as a tree; false for what is none.
func parse(der []byte, depth int) ([]*node, bool) {
	var all []*node
	for len(der) > 0 {
		var raw asn1.RawValue
		rest, err := asn1.Unmarshal(der, &raw)
		if err != nil || raw.Tag > 30 {
			return nil, false
		}
		n := &node{tag: der[:1:1], value: raw.Bytes}
		if raw.IsCompound && depth < 12 {
			n.inside, _ = parse(raw.Bytes, depth+1)
		}
		all, der = append(all, n), rest
	}
	return all, true
}

func encode(all []*node) []byte {
	var out []byte
	for _, n := range all {
		value := n.value
		if n.inside != nil {
			value = encode(n.inside)
		}
		out = append(out, n.tag...)
		out = append(out, length(len(value))...)
		out = append(out, value...)
	}
	return out
}

func length(n int) []byte {
	switch {
	case n < 0x80:
		return []byte{byte(n)}
	case n < 0x100:
		return []byte{0x81, byte(n)}
	}
	return []byte{0x82, byte(n >> 8), byte(n)} // requests are far shorter than 64 KiB
}

// every lists a tree's lists of nodes, so that one can be changed in place.
func every(all *[]*node, found []*[]*node) []*[]*node {
	found = append(found, all)
	for _, n := range *all {
		if n.inside != nil {
			found = every(&n.inside, found)
		}
	}
	return found
}

// pruned changes one node somewhere in the tree, and encodes it anew.
func (c chance) pruned(tree []*node, samples [][]byte) []byte {
	lists := every(&tree, nil)
	list := lists[c.IntN(len(lists))]
	if len(*list) == 0 {
		return encode(tree)
	}
	i := c.IntN(len(*list))
	n := (*list)[i]
	switch c.IntN(8) {
	case 0: // away
		*list = append((*list)[:i:i], (*list)[i+1:]...)
	case 1: // twice
		*list = append((*list)[:i+1:i+1], (*list)[i:]...)
	case 2: // another kind
		n.tag = []byte{byte(c.IntN(256))&^0x1f | byte(c.IntN(31))}
	case 3: // other bytes
		n.inside, n.value = nil, c.bytes(c.below(64))
	case 4: // empty
		n.inside, n.value = nil, nil
	case 5: // long
		n.inside, n.value = nil, c.bytes(1000+c.below(3000))
	case 6: // a byte of it
		if value := bytes.Clone(n.value); len(value) > 0 && n.inside == nil {
			value[c.IntN(len(value))] ^= byte(1 + c.IntN(255))
			n.value = value
		}
	case 7: // one of another request
		if other, ok := parse(samples[c.IntN(len(samples))], 0); ok {
			from := every(&other, nil)
			if donors := *from[c.IntN(len(from))]; len(donors) > 0 {
				(*list)[i] = donors[c.IntN(len(donors))]
			}
		}
	}
	return encode(tree)
}
