package script

import (
	"bytes"
	"encoding/json"
)

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

func writeText(b *bytes.Buffer, text string) {
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err == nil {
		b.Truncate(b.Len() - 1) // the encoder's newline
	}
}
