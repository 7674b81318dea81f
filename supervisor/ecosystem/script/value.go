package script

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// Kind is what a value is.
type Kind int

// The kinds of plain data.
const (
	Null Kind = iota
	Bool
	Number
	Text
	List
	Object
)

// Value is plain data, with the keys in the order of the file.
type Value struct {
	Kind    Kind
	Text    string // true or false, a number without exponent where it is whole, or the text
	List    []Value
	Entries []Entry
}

// Entry is one key of an object with its value.
type Entry struct {
	Key   string
	Value Value
}

// decode reads what plain wrote.
func decode(words string) (Value, error) {
	decoder := json.NewDecoder(strings.NewReader(words))
	decoder.UseNumber()
	return decodeNext(decoder)
}

func decodeNext(decoder *json.Decoder) (Value, error) {
	token, err := decoder.Token()
	if err != nil {
		return Value{}, fmt.Errorf("read the export: %w", err)
	}
	switch token := token.(type) {
	case bool:
		return Value{Kind: Bool, Text: fmt.Sprint(token)}, nil
	case json.Number:
		return Value{Kind: Number, Text: written(token.String())}, nil
	case string:
		return Value{Kind: Text, Text: token}, nil
	case json.Delim:
		if token == '[' {
			return decodeList(decoder)
		}
		return decodeObject(decoder)
	}
	return Value{}, nil
}

func decodeList(decoder *json.Decoder) (Value, error) {
	v := Value{Kind: List}
	for decoder.More() {
		item, err := decodeNext(decoder)
		if err != nil {
			return Value{}, err
		}
		v.List = append(v.List, item)
	}
	return v, closing(decoder)
}

func decodeObject(decoder *json.Decoder) (Value, error) {
	v := Value{Kind: Object}
	for decoder.More() {
		key, err := decodeNext(decoder)
		if err != nil {
			return Value{}, err
		}
		item, err := decodeNext(decoder)
		if err != nil {
			return Value{}, err
		}
		v.Entries = append(v.Entries, Entry{Key: key.Text, Value: item})
	}
	return v, closing(decoder)
}

func closing(decoder *json.Decoder) error {
	if _, err := decoder.Token(); err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	return nil
}

// written is a number as people write it: JavaScript gives whole numbers from
// 1e21 on an exponent.
func written(number string) string {
	if !strings.ContainsAny(number, "eE") {
		return number
	}
	if whole, ok := new(big.Rat).SetString(number); ok && whole.IsInt() {
		return whole.Num().String()
	}
	return number
}

// JSON is the value as JSON.stringify writes it.
func (v Value) JSON() string {
	var b bytes.Buffer
	v.write(&b)
	return b.String()
}

func (v Value) write(b *bytes.Buffer) {
	switch v.Kind {
	case Null:
		b.WriteString("null")
	case Bool, Number:
		b.WriteString(v.Text)
	case Text:
		writeText(b, v.Text)
	case List:
		b.WriteByte('[')
		for i, item := range v.List {
			separate(b, i)
			item.write(b)
		}
		b.WriteByte(']')
	case Object:
		b.WriteByte('{')
		for i, e := range v.Entries {
			separate(b, i)
			writeText(b, e.Key)
			b.WriteByte(':')
			e.Value.write(b)
		}
		b.WriteByte('}')
	}
}

func separate(b *bytes.Buffer, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}

func writeText(b *bytes.Buffer, words string) {
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(words); err == nil {
		b.Truncate(b.Len() - 1) // the encoder's newline
	}
}
