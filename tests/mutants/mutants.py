"""Deliberate bugs, one row each: what the server would do wrong, where, and the text that does it.

A row is a file and two texts: the first stands in the file exactly once and is replaced by the second. Rows say what a
programmer could really forget. Whoever changes such a place changes its row with it (tests/house checks that every row
still fits)."""

from dataclasses import dataclass


@dataclass
class Mutant:
    name: str  # what it does wrong
    file: str
    old: str
    new: str


HUB, PUBLISH, QUERY = "src/core/hub.c", "src/core/hub_publish.c", "src/core/hub_query.c"
PRESENCE, USERS, WATCH = "src/core/presence.c", "src/core/hub_users.c", "src/core/watch.c"
OUT, CONN, LOCAL, WORKER = "src/server/outgoing.c", "src/server/conn.c", "src/server/local.c", "src/server/worker.c"
SUBSCRIBE, SESSION, SERVER = "src/server/session_subscribe.c", "src/server/session.c", "src/server/server.c"
ADMISSION, MAILBOX = "src/server/admission.c", "src/io/mailbox.c"
TLS, CONTEXT, ADDRESS = "src/io/tls.c", "src/io/tls_context.c", "src/server/client_address.c"
HTTP, HTTP_ANSWER, METRICS = "src/server/http.c", "src/server/http_answer.c", "src/server/metrics.c"
LEAVING, CHANGEOVER = "src/server/leaving.c", "src/server/changeover.c"
AUTH, EVENT_BODY = "src/core/auth.c", "src/server/event_body.c"
HOOK, TOLD, TARGET = "src/core/webhook.c", "src/webhook/webhooks.c", "src/webhook/target.c"
REQUEST, DEPARTURES = "src/webhook/request.c", "src/webhook/departures.c"

MUTANTS = [
    # Who is told
    Mutant("a worker with a single subscriber is passed over", HUB, "left += ch->interest[w].n > 0;", "left += ch->interest[w].n > 1;"),
    Mutant("a published event reaches the excluded socket", PUBLISH, "hub_deliver(h, ch, frame, r->event->exclude);", "hub_deliver(h, ch, frame, SOCKET_ID_NONE);"),
    Mutant("a client event comes back to its sender", PUBLISH, "\t\t    r->sender);", "\t\t    SOCKET_ID_NONE);"),
    Mutant("a worker delivers to the excluded socket", WORKER, "if (excludes && socket_id_eq(c->id, d->exclude))", "if (excludes && false)"),
    Mutant("an event for several channels reaches the first", PUBLISH, "for (uint32_t i = 0; i < e->n_channels; i++)\n\t\tdeliver_to_channel", "for (uint32_t i = 0; i < 1; i++)\n\t\tdeliver_to_channel"),
    Mutant("the last event of a batch is dropped", PUBLISH, "for (uint32_t i = 0; i < r->n_events; i++, e = next_event(e)) {", "for (uint32_t i = 0; i < 1 || i + 1 < r->n_events; i++, e = next_event(e)) {"),
    Mutant("a client event on a presence channel has no sender", PUBLISH, "r->membership ? r->membership->member->user_id : (str){ 0 }", "(str){ 0 }"),
    # Joining
    Mutant("a subscription is acknowledged before the join", SUBSCRIBE, "\tconn_await_hub(c);\n\treturn true;", "\tconn_await_hub(c);\n\tif (!held && !(local->traits & (CHANNEL_PRESENCE | CHANNEL_CACHE | CHANNEL_USER)))\n\t\tconn_send(c, pusher_text_event_new(S(\"pusher_internal:subscription_succeeded\"), local_name(local), S(\"{}\")));\n\treturn true;"),
    Mutant("a subscription that was acknowledged never joins", SUBSCRIBE, "\tsubs_join(c, local, m->membership);\n", "\tif (!m->membership)\n\t\tsubs_join(c, local, m->membership);\n"),
    Mutant("who left while the hub was asked stays on the channel", SUBSCRIBE, "\t\tsession_leave(c, m->channel, m->membership);\n\t\tforget_frames(m);", "\t\tforget_frames(m);"),
    Mutant("a local record is given up while it is asked for", LOCAL, "if (ch->n > 0 || ch->n_asked > 0 || ch->channel)", "if (ch->n > 0 || ch->channel)"),
    Mutant("an app's quota lets one more in", HUB, "max > 0 && a->counts.connections >= max;", "max > 0 && a->counts.connections > max;"),
    Mutant("the node's quota lets one more in", ADMISSION, "n < max", "n <= max"),
    # Presence
    Mutant("a second tab is announced", HUB, "if (ms && is_first)", "if (ms)"),
    Mutant("the first of two tabs that closes is announced", HUB, "is_last ? presence_removed_new(ms, ch->name) : NULL", "presence_removed_new(ms, ch->name)"),
    Mutant("the last tab leaves in silence", HUB, "\thub_deliver(h, ch, removed, SOCKET_ID_NONE);", "\tmsg_unref(removed);"),
    Mutant("a full channel refuses who is on it already", HUB, " &&\n\t    !presence_find(ch->presence, hash, user_id))", ")"),
    Mutant("a roster counts one too many", PRESENCE, "buf_putu(&b, presence_count(p));", "buf_putu(&b, presence_count(p) + 1);"),
    Mutant("a member goes with its first connection", PRESENCE, "\tif (list_is_empty(&m->memberships))\n\t\tmember_free(p, m);", "\tmember_free(p, m);"),
    Mutant("a member's info is the newest, not the oldest", PRESENCE, "list_push_back(&m->memberships, &ms->link);", "list_push_back(m->memberships.next, &ms->link);"),
    # Webhooks
    Mutant("webhooks hear of each subscription that a channel is occupied", HUB, "\tif (ch->n_subscriptions == 0)\n\t\thub_tell_channel(h, ch, WEBHOOK_channel_occupied, false);", "\thub_tell_channel(h, ch, WEBHOOK_channel_occupied, false);"),
    Mutant("webhooks hear that a member has gone when the first of his tabs closes", HUB, "\tif (is_last)\n\t\thub_tell_member(", "\thub_tell_member("),
    Mutant("webhooks never hear that nobody subscribes any more", HUB, "\tif (hub_tells_counts(ch))\n\t\thub_tell_channel(h, ch, WEBHOOK_subscription_count, false);\n", ""),
    Mutant("a webhook's filter lets every prefix pass", HOOK, " && str_has_prefix(channel, w->channel_prefix) &&", " &&"),
    Mutant("who comes back to a channel at once is announced anew", TOLD, "\tif (is_arrival(n) && departures_take_back(&w->departures, n))\n\t\treturn;", "\tif (is_arrival(n))\n\t\tdepartures_take_back(&w->departures, n);"),
    Mutant("who has come back is said to have left", DEPARTURES, "\tif (x)\n\t\tforget(d, x);\n\treturn x != NULL;", "\treturn x != NULL;"),
    Mutant("only the first of several departures becomes certain", DEPARTURES, "\tif (x)\n\t\ttimer_arm(d->loop, t, x->due_ms - now_ms);", "\t(void)x;"),
    Mutant("a batch may have one event too many", TARGET, "if (t->n_gathered >= t->set->events_max)", "if (t->n_gathered > t->set->events_max)"),
    Mutant("what is gathered while a request is under way stays where it is", TARGET, "\tlook_at(t);\n\toutlet_pump(t->outlet);\n}\n\nstatic void post(", "\toutlet_pump(t->outlet);\n}\n\nstatic void post("),
    Mutant("one receiver may have all places", TARGET, " && t->n_under_way < TARGET_POSTS_MAX &&", " &&"),
    Mutant("webhooks of former settings are never freed", TARGET, "} else if (t->is_former && target_is_idle(t)) {", "} else if (false) {"),
    Mutant("an app's new webhooks hear nothing", TOLD, "if (a->set != app->webhooks)", "if (!a->set)"),
    Mutant("a webhook's signature leaves out the end of the body", REQUEST, "hmac_add(&h, buf_str(&r->body));", "hmac_add(&h, str_take(buf_str(&r->body), r->body.len - 1));"),
    Mutant("a receiver that is gone for a moment has missed it", REQUEST, "return retry->enabled && may_pass(result) &&", "return retry->enabled && result->status && may_pass(result) &&"),
    Mutant("a receiver that refuses is asked again and again", REQUEST, "return result->status >= 500;", "return true;"),
    Mutant("a node goes before its webhooks have been told", SERVER, "is_deserted && webhooks_n_waiting(s->webhooks) == 0", "is_deserted"),
    Mutant("who is owed an answer always goes before who is owed an event", OUT, "list_is_empty(&o->dirty) || o->n_urgent_in_row < URGENT_IN_ROW_MAX", "true"),
    # Leaving
    Mutant("of several channels only the first is left", HUB, "for (uint32_t i = 0; i < r->n; i++) {\n\t\tstruct channel *ch = r->entries[i].channel;", "for (uint32_t i = 0; i < r->n && i < 1; i++) {\n\t\tstruct channel *ch = r->entries[i].channel;"),
    Mutant("what is left while the turn writes is told by chance", WORKER, "more || leaving_is_due(&w->leaving) || changeover_is_due(w)", "more || changeover_is_due(w)"),
    Mutant("the hub is told at once of all that somebody leaves", LEAVING, "return w->leaving.n_this_turn < w->leaving.per_turn_max && w->leaving.n == 0 &&", "return w->leaving.n == 0 &&"),
    Mutant("an app is forgotten though the hub was not told who has left it", CHANGEOVER, "if (w->sweep == &w->all && leaving_has_told(&w->leaving, w->sweep_n_kept)) {", "if (w->sweep == &w->all) {"),
    Mutant("an empty channel stays", HUB, "\t\tif (ch->n_subscriptions == 0)\n\t\t\tend_channel", "\t\tif (ch->n_subscriptions == 0 && channel_is_presence(ch))\n\t\t\tend_channel"),
    Mutant("a worker is released while it has a subscriber", HUB, "if (--in->n == 0) {", "if (--in->n <= 1) {"),
    Mutant("a connection that ends is still counted", CONN, "\tconn_uncount(c);\n\tif (c->is_admitted)", "\tif (c->is_admitted)"),
    Mutant("the node keeps the place of who has left", CONN, "\tif (c->is_admitted)\n\t\tadmission_give_back(c->worker->admission);\n", ""),
    Mutant("the last entry moves into a hole and is not told", LOCAL, "\t\tsubs_at(&last.conn->subs)[last.slot].index = index;\n", ""),
    Mutant("the last subscription moves into a hole and its entry is not told", LOCAL, "\t\tsub->local->entries[sub->index].slot = (uint32_t)(sub - subs_at(s));\n", ""),
    # Writing
    Mutant("what a full socket took of a set is sent again", OUT, "\tqueue_drop(q, sent);\n\tc->blocked = q;", "\tc->blocked = q;"),
    Mutant("what a full socket took of a message is forgotten", OUT, "\tq->offset += n;\n", "\tq->offset = n;\n"),
    Mutant("two sets are taken for one", OUT, "child && child->msg == m && child->is_answer == is_answer", "child && child->is_answer == is_answer"),
    Mutant("a connection that ends stays among the dirty", OUT, "\tlist_remove(&c->dirty);\n\tif (c->blocked)", "\tif (c->blocked)"),
    Mutant("a slow reader has no budget of messages", OUT, "return q->n_events + n <= o->queue_messages_max &&", "return q->n_events <= UINT32_MAX - n &&"),
    Mutant("the message that a slow reader has begun to read is cut", OUT, "while (q->n > (q->offset > 0))", "while (q->n > 0)"),
    Mutant("a shared message loses a reference in a queue", OUT, "\tmsg_ref(item.msg);\n", ""),
    Mutant("a large set that the socket takes whole counts as waiting", OUT, "\tif (!c->blocked || (e != OK && e != ERR_AGAIN))\n\t\treturn e;", "\tif (e != OK && e != ERR_AGAIN)\n\t\treturn e;"),
    Mutant("of several batches only the newest arrives", MAILBOX, "\tif (!o->first)\n\t\to->first = b;", "\to->first = b;"),
    # Waiting
    Mutant("input is handled while the hub is asked", CONN, "return !c->awaits_hub && !c->blocked;", "return !c->blocked;"),
    Mutant("input that had to wait is forgotten", CONN, "\t\tif (in.n > 0 && c->phase != CONN_ENDED)\n\t\t\tc->kept = k;\n\t\telse\n\t\t\txfree(k);", "\t\txfree(k);"),
    Mutant("the turn does not go on when there was no room", WORKER, "\tmore |= !out_has_room(&w->out);\n", ""),
    Mutant("a worker does not say that it waits for the hub", WORKER, "\tatomic_store(&w->waits_for_hub, is_full);", "\tatomic_store(&w->waits_for_hub, false);"),
    Mutant("the hub does not wake who waits for it", SERVER, "\t\tif (atomic_load(&s->workers[i].waits_for_hub))", "\t\tif (false)"),
    Mutant("mail into an empty box wakes nobody", MAILBOX, "\tif (!head)\n", "\tif (head)\n"),
    Mutant("batches are taken newest first", MAILBOX, "\t\tb->next = oldest;\n\t\toldest = b;\n\t\tb = older;", "\t\tif (!oldest)\n\t\t\toldest = b;\n\t\tb = older;"),
    Mutant("a silent peer is never given up", SESSION, "\t\tif (c->awaits_pong) {", "\t\tif (false) {"),
    Mutant("an answered ping is held against the client", SESSION, "\tc->awaits_pong = false;", "\tc->awaits_pong = c->awaits_pong;"),
    # Time and memory
    Mutant("silence is measured by the wall clock", CONN, "return clock_ms(loop_clock(c->worker->loop));", "return (uint64_t)loop_clock(c->worker->loop)->wall_ms;"),
    Mutant("a signature from the future is fresh", AUTH, " || t > now_s + MAX_CLOCK_SKEW_S", ""),
    Mutant("long silence ends a session without a ping", SESSION, "\t\tif (c->awaits_pong) {", "\t\tif (c->awaits_pong || now_s > silence_ends_s(c) + 40) {"),
    Mutant("a head may take for ever if it goes on", HTTP, "\tbuf_puts(&s->head, str_take(*in, s->limits.head_bytes_max - n_before));\n", "\tbuf_puts(&s->head, str_take(*in, s->limits.head_bytes_max - n_before));\n\tarm(c, c->worker->options->head_timeout_ms);\n"),
    Mutant("who never reads his answers is kept", HTTP, "\telse\n\t\tconn_end(c);\n}\n\n/* Handling", "\telse if (!c->blocked)\n\t\tconn_end(c);\n\telse\n\t\tarm(c, c->worker->options->idle_timeout_ms);\n}\n\n/* Handling"),
    Mutant("memory is looked at once", ADMISSION, "\tif (m.pressure == PRESSURE_DISABLED)\n\t\ttimer_disarm", "\tif (m.pressure != PRESSURE_AVAILABLE)\n\t\ttimer_disarm"),
    Mutant("newcomers come in while memory is short", ADMISSION, "m.pressure = is_above(&m, o->threshold) ? PRESSURE_SHEDDING : PRESSURE_AVAILABLE;", "m.pressure = is_above(&m, o->threshold + 1) ? PRESSURE_SHEDDING : PRESSURE_AVAILABLE;"),
    Mutant("a hub without a turn is not told that its workers have taken their mail", SERVER, "\tif (atomic_load(&s->hub_waits))\n\t\tloop_wake(s->hub_loop);", "\tif (atomic_load(&s->hub_waits) && !s->n_workers)\n\t\tloop_wake(s->hub_loop);"),
    Mutant("a connection that cannot be watched is kept", CONN, "if (loop_watch(w->loop, &c->file, LOOP_READ) &&\n", "if ((loop_watch(w->loop, &c->file, LOOP_READ) || w->n_conns) &&\n"),
    # Doors
    Mutant("what comes right behind a PROXY header is lost", CONN, "\telse if (!c->file.tls)\n\t\ttake_input(c, rest);", ""),
    Mutant("a handshake right behind a PROXY header is lost", CONN, "if (start_tls(c, rest) != OK)", "if (start_tls(c, S(\"\")) != OK)"),
    Mutant("a PROXY header may take for ever if it goes on", CONN, "\tif (e == ERR_AGAIN)\n\t\tkeep(c, in);\n\telse if", "\tif (e == ERR_AGAIN) {\n\t\tkeep(c, in);\n\t\thttp_begin(c);\n\t} else if"),
    Mutant("a balancer is taken for whom it announces", CONN, "\t\tc->peer = client_peer_of(&h->source, h->source_port);\n", ""),
    Mutant("who is announced is believed as his balancer is", CONN, "\t\tc->peer_is_trusted =\n\t\t\tclient_peer_is_trusted(&c->worker->options->trusted_proxies, &c->peer);\n\t}\n\tif (start_tls", "\t}\n\tif (start_tls"),
    Mutant("anybody is believed who he says he is", ADDRESS, "(c->peer_is_trusted && told_address(c, r, trust_hops, out))", "told_address(c, r, trust_hops, out)"),
    Mutant("what a full socket took of TLS is sent again", TLS, "buf_put(&t->rest, p + sent, n - sent);", "buf_put(&t->rest, p, n);"),
    Mutant("what TLS has read already is forgotten", TLS, "t->has_input = e == OK ? SSL_has_pending(t->ssl) : e != ERR_AGAIN;", "t->has_input = e != OK && e != ERR_AGAIN;"),
    Mutant("what TLS holds back counts as written", TLS, "\tsync(t);\n\treturn e;\n}\n\nconst char *tls_failure", "\tsync(t);\n\treturn e == ERR_AGAIN ? OK : e;\n}\n\nconst char *tls_failure"),
    Mutant("the end of TLS is not said", TLS, "\tsay_goodbye(t);\n\tt->has_ended = true;", "\tt->has_ended = true;"),
    Mutant("newcomers are shown the certificate of before", CONTEXT, "\tc->context = context;\n", "\tc->context = before ? tls_context_ref(before) : context;\n\tif (before)\n\t\ttls_context_unref(context);\n"),
    # Going away
    Mutant("a server is freed while its mail is under way", SERVER, "\t} while (!is_at_rest(s));", "\t} while (false);"),
    # Strangers
    Mutant("who is disabled is told to come again", HTTP, "\tif (e != OK)\n\t\thttp_answer_error(call, why", "\tif (e != OK && why.status == 403)\n\t\thttp_answer_busy(call);\n\telse if (e != OK)\n\t\thttp_answer_error(call, why"),
    Mutant("a stranger's body is kept", HTTP, "\tif (s->is_wanted)\n\t\tbuf_puts", "\tif (s)\n\t\tbuf_puts"),
    # What is remembered and asked
    Mutant("a repeated idempotency key is delivered again", PUBLISH, "\tkeep_answer(h, answers, key, body);\n\treturn body;\n}\n\n/* True when", "\treturn body;\n}\n\n/* True when"),
    Mutant("a repetition that overtakes or follows at once is delivered again", PUBLISH, "return key.n ? expiring_find(answers, hash_str(&h->key, key), key, clock_ms(h->clock)) :\n\t\t       NULL;", "const struct expiring_entry *e = key.n ? expiring_find(answers, hash_str(&h->key, key), key, clock_ms(h->clock)) : NULL;\n\n\treturn e && e->expires_ms < clock_ms(h->clock) + answers->ttl_ms ? e : NULL;"),
    Mutant("the key of a whole batch is not kept", PUBLISH, "\tbody = publish_items(h, r);\n\tkeep_answer(h, answers, key, body);", "\tbody = publish_items(h, r);"),
    Mutant("the key of an event is not looked for in the head", EVENT_BODY, "return r->is_batch ? (str){ 0 } : r->header_key;", "return (str){ 0 };"),
    Mutant("the event of a cache channel is not kept", PUBLISH, "if (frame && is_cached)", "if (frame && is_cached && ch)"),
    Mutant("a list of channels forgets its prefix", QUERY, "!(ch->traits & CHANNEL_USER) && str_has_prefix(ch->name, prefix)", "!(ch->traits & CHANNEL_USER) && (prefix.n == 0 || ch->n_subscriptions)"),
    Mutant("users are listed as channels", QUERY, "!(ch->traits & CHANNEL_USER) && str_has_prefix(ch->name, prefix)", "str_has_prefix(ch->name, prefix)"),
    Mutant("watchers are not told who goes", USERS, "\ttell_watchers(h, user, false);", "\ttell_watchers(h, user, true);"),
    Mutant("a user's second connection is announced to who watches him", HUB, "if ((ch->traits & CHANNEL_USER) && ch->n_subscriptions == 0)", "if (ch->traits & CHANNEL_USER)"),
    Mutant("of those who watch somebody the first is told", USERS, "l != &w->watchers; l = l->next)", "l != &w->watchers; l = &w->watchers)"),
    Mutant("a user keeps his first watchlist", USERS, "\twatch_set(&user->owner->watched, &user->watches, user, watchlist);", "\tif (!user->watches)\n\t\twatch_set(&user->owner->watched, &user->watches, user, watchlist);"),
    Mutant("who signs in again goes and comes for who watches him", USERS, "\twatch_set(&user->owner->watched, &user->watches, user, watchlist);", "\tif (user->n_subscriptions > 1) {\n\t\ttell_watchers(h, user, false);\n\t\ttell_watchers(h, user, true);\n\t}\n\twatch_set(&user->owner->watched, &user->watches, user, watchlist);"),
    Mutant("who stands twice on a watchlist is told twice", WATCH, "return !list_is_empty(&w->watchers) &&", "return false && !list_is_empty(&w->watchers) &&"),
    Mutant("who is offline is not in the state of a watchlist", WATCH, "\tput_state(&b, list, false, any, is_online, ctx);\n", ""),
    Mutant("watchlists are heeded though the app does not want them", USERS, "\tif (!f.app->enable_watchlist_events)\n\t\treturn NULL;\n", ""),
    Mutant("who leaves is not counted in the metrics", CONN, "counter_add(&conn_activity(c)->disconnections, 1);", "counter_add(&conn_activity(c)->disconnections, 0);"),
    Mutant("who is over quota is counted as one who came and went", SESSION, "\tif (!m->over_quota)\n\t\tcount(c);", "\tcounter_add(&conn_activity(c)->connections, m->over_quota);\n\tcounter_add(&conn_activity(c)->disconnections, m->over_quota);\n\tif (!m->over_quota)\n\t\tcount(c);"),
    Mutant("over quota and over capacity are one error", SESSION, "turn_away(c, ERROR_over_quota,", "turn_away(c, ERROR_over_capacity,"),
    Mutant("who is given up counts as two errors", SESSION, "\t\tif (c->awaits_pong) {\n", "\t\tif (c->awaits_pong)\n\t\t\tsession_count_error(c, ERROR_pong_timeout);\n\t\tif (c->awaits_pong) {\n"),
    Mutant("an event is counted once for all receivers of a worker", WORKER, "activity_count_sent(a, n, n * msg_payload(d->frame).n);", "activity_count_sent(a, n > 0, n * msg_payload(d->frame).n);"),
    Mutant("the header of a frame is counted as payload", CONN, "activity_count_sent(conn_activity(c), 1, msg_payload(m).n);", "activity_count_sent(conn_activity(c), 1, m->len);"),
    Mutant("a sign-in is counted as a subscription", SUBSCRIBE, "\tif (!(local->traits & CHANNEL_USER))\n\t\tcount_one(", "\tcount_one("),
    Mutant("a request that is refused is counted as a call", HTTP_ANSWER, "if (!a || reply->status >= 400)", "if (!a)"),
    Mutant("the metrics tell of one worker alone", METRICS, "for (size_t i = 0; i < r->n; i++)\n\t\tn += counter_get(", "for (size_t i = 0; i < 1; i++)\n\t\tn += counter_get("),
    Mutant("a histogram ends with the last connection of its app", METRICS, "\tif (s.n > 0)\n", "\tif (s.n > 0 && sum(r, offsetof(struct activity, connections)) > sum(r, offsetof(struct activity, disconnections)))\n"),
    Mutant("a user is not closed, but the back-end hears that he is", USERS, "for (unsigned w = 0; user && w < h->n_workers; w++) {", "for (unsigned w = 0; user && w < 0; w++) {"),
    Mutant("a user is closed on the first worker alone", USERS, "for (unsigned w = 0; user && w < h->n_workers; w++) {", "for (unsigned w = 0; user && w < 1; w++) {"),
]
