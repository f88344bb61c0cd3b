package contract

import (
	"strconv"
	"time"

	"onsale/sequencer"
)

// AppendDecision appends the answer to a buy: what encoding/json makes of a
// Decision, without its cost. A fuzz test holds the two together. No
// text in it needs escaping: words, digits and uids only. startsAt is 0 unless
// the sale has not started.
func AppendDecision(dst []byte, cluster uint8, result *sequencer.Result, startsAt int64) []byte {
	if result.Code != sequencer.CodeOK {
		return appendRefusal(dst, result, startsAt)
	}
	return appendOrder(dst, cluster, result)
}

func appendRefusal(dst []byte, result *sequencer.Result, startsAt int64) []byte {
	dst = append(dst, `{"status":"fail","reason":"`...)
	dst = append(dst, result.Code.String()...)
	dst = append(dst, '"')
	if startsAt != 0 {
		dst = append(dst, `,"starts_at":`...)
		dst = appendTime(dst, startsAt)
	}
	if result.Code == sequencer.CodeNotEnough {
		dst = append(dst, `,"available_quantity":`...)
		dst = strconv.AppendUint(dst, uint64(result.Quantity), 10)
		dst = append(dst, `,"detail":"`+DetailNotEnough+`"`...)
	}
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, result.Seq, 10)
	return append(dst, '}')
}

func appendOrder(dst []byte, cluster uint8, result *sequencer.Result) []byte {
	dst = append(dst, `{"status":"`...)
	dst = append(dst, result.State.Status()...)
	dst = append(dst, `","callback":"`+CallbackPrefix...)
	dst = AppendUID(dst, cluster, result.Sale, result.Order)
	dst = append(dst, `","order":"`...)
	dst = AppendUID(dst, cluster, result.Sale, result.Order)
	dst = append(dst, `","state":"`...)
	dst = append(dst, result.State.String()...)
	dst = append(dst, '"')
	if result.Quantity > 0 {
		dst = append(dst, `,"quantity":`...)
		dst = strconv.AppendUint(dst, uint64(result.Quantity), 10)
	}
	if result.Position > 0 {
		dst = append(dst, `,"position":`...)
		dst = strconv.AppendUint(dst, uint64(result.Position), 10)
	}
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, result.Seq, 10)
	if result.Deadline != 0 {
		dst = append(dst, `,"expires_at":`...)
		dst = appendTime(dst, result.Deadline)
	}
	return append(dst, '}')
}

// appendTime appends a time of the log as the contract spells it, quoted.
func appendTime(dst []byte, nanoseconds int64) []byte {
	dst = append(dst, '"')
	dst = Time(nanoseconds).AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"')
}
