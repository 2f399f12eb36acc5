// The server library pusher-http-go, as a driver of the SDK matrix: told by lines of JSON (matrix/lines.mjs), it does what
// matrix/player.mjs describes.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/pusher/pusher-http-go/v5"
)

type order struct {
	ID   int
	Do   string
	Args args
}

// All that any order says.
type args struct {
	Host          string
	Port          int
	AppID         string
	Key           string
	Secret        string
	EncryptionKey string

	Channels []string
	Channel  string
	Event    string
	Data     any
	SocketID *string
	Events   []pusher.Event
	Prefix   string
	Info     string
	Member   *member
	User     any

	Signature string
	Body      string
}

type member struct {
	UserID   json.Number       `json:"user_id"`
	UserInfo map[string]string `json:"user_info"`
}

var sdk pusher.Client

var orders = map[string]func(args) (any, error){
	"open":         open,
	"publish":      publish,
	"batch":        batch,
	"channels":     channels,
	"channel":      channel,
	"users":        users,
	"authorize":    authorize,
	"authenticate": authenticate,
	"send":         send,
	"webhook":      webhook,
}

func open(a args) (any, error) {
	sdk = pusher.Client{
		AppID: a.AppID, Key: a.Key, Secret: a.Secret, Host: fmt.Sprintf("%s:%d", a.Host, a.Port),
		EncryptionMasterKeyBase64: a.EncryptionKey,
	}
	return nil, nil
}

func publish(a args) (any, error) {
	return sdk.TriggerMultiWithParams(a.Channels, a.Event, a.Data, pusher.TriggerParams{SocketID: a.SocketID})
}

func batch(a args) (any, error) {
	return sdk.TriggerBatch(a.Events)
}

func channels(a args) (any, error) {
	list, err := sdk.Channels(pusher.ChannelsParams{FilterByPrefix: &a.Prefix, Info: &a.Info})
	if err != nil {
		return nil, err
	}
	return list.Channels, nil
}

func channel(a args) (any, error) {
	state, err := sdk.Channel(a.Channel, pusher.ChannelParams{Info: &a.Info})
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"occupied": state.Occupied, "user_count": state.UserCount, "subscription_count": state.SubscriptionCount,
	}, nil
}

func users(a args) (any, error) {
	list, err := sdk.GetChannelUsers(a.Channel)
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, user := range list.List {
		ids = append(ids, user.ID)
	}
	return ids, nil
}

func authorize(a args) (any, error) {
	form := []byte(url.Values{"socket_id": {*a.SocketID}, "channel_name": {a.Channel}}.Encode())
	if a.Member == nil {
		return raw(sdk.AuthorizePrivateChannel(form))
	}
	data := pusher.MemberData{UserID: a.Member.UserID.String(), UserInfo: a.Member.UserInfo}
	return raw(sdk.AuthorizePresenceChannel(form, data))
}

func authenticate(a args) (any, error) {
	form := []byte(url.Values{"socket_id": {*a.SocketID}}.Encode())
	return raw(sdk.AuthenticateUser(form, a.User.(map[string]any)))
}

func send(a args) (any, error) {
	return nil, sdk.SendToUser(a.User.(string), a.Event, a.Data)
}

func webhook(a args) (any, error) {
	header := http.Header{"X-Pusher-Key": {a.Key}, "X-Pusher-Signature": {a.Signature}}
	received, err := sdk.Webhook(header, []byte(a.Body))
	if err != nil {
		return nil, nil
	}
	events := []map[string]string{}
	for _, event := range received.Events {
		events = append(events, map[string]string{"name": event.Name, "channel": event.Channel})
	}
	return events, nil
}

// raw passes on an answer that is JSON already.
func raw(answer []byte, err error) (any, error) {
	return json.RawMessage(answer), err
}

func do(o order) map[string]any {
	act, isKnown := orders[o.Do]
	if !isKnown {
		return map[string]any{"id": o.ID, "error": "no such order"}
	}
	answer, err := act(o.Args)
	if err != nil {
		return map[string]any{"id": o.ID, "error": strings.TrimSpace(err.Error())}
	}
	return map[string]any{"id": o.ID, "answer": answer}
}

func main() {
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for in.Scan() {
		var o order
		if err := json.Unmarshal(in.Bytes(), &o); err != nil {
			out.Encode(map[string]any{"id": o.ID, "error": err.Error()})
			continue
		}
		out.Encode(do(o))
	}
}
