import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSyntaxException;
import com.pusher.client.Pusher;
import com.pusher.client.PusherOptions;
import com.pusher.client.channel.PresenceChannelEventListener;
import com.pusher.client.channel.PrivateEncryptedChannelEventListener;
import com.pusher.client.channel.PusherEvent;
import com.pusher.client.channel.User;
import com.pusher.client.connection.ConnectionEventListener;
import com.pusher.client.connection.ConnectionState;
import com.pusher.client.connection.ConnectionStateChange;
import com.pusher.client.util.HttpChannelAuthorizer;
import com.pusher.client.util.HttpUserAuthenticator;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The client library pusher-java-client, as a driver of the SDK matrix (matrix/player.mjs). */
class Client {
	private static final int WAIT_S = 10;

	/** The names that the cells use: those that are given to subscribe() cannot be missed, those bound later can. */
	private static final String[] EVENTS = {
		"sample", "n", "x", "price", "client-typing", "client-end", "pusher:cache_miss",
	};

	private static Pusher client;
	private static final CompletableFuture<JsonElement> connected = new CompletableFuture<>();

	public static void main(String[] args) throws IOException {
		Lines.serve(Map.of(
				"connect", Client::connect,
				"subscribe", Client::subscribe,
				"unsubscribe", Client::unsubscribe,
				"trigger", Client::trigger,
				"signin", Client::signIn));
	}

	private static JsonElement connect(JsonObject a) throws Exception {
		Map<String, String> headers = new HashMap<>();
		for (Map.Entry<String, JsonElement> header : a.getAsJsonObject("headers").entrySet())
			headers.put(header.getKey(), header.getValue().getAsString());
		HttpChannelAuthorizer authorizer = new HttpChannelAuthorizer(Lines.text(a, "endpoint"));
		authorizer.setHeaders(headers);
		HttpUserAuthenticator authenticator = new HttpUserAuthenticator(Lines.text(a, "userEndpoint"));
		authenticator.setHeaders(headers);
		client = new Pusher(Lines.text(a, "key"), new PusherOptions()
				.setHost(Lines.text(a, "host"))
				.setWsPort(a.get("port").getAsInt())
				.setUseTLS(false)
				.setChannelAuthorizer(authorizer)
				.setUserAuthenticator(authenticator));
		client.connect(new Connection(), ConnectionState.ALL);
		return connected.get(WAIT_S, TimeUnit.SECONDS);
	}

	private static JsonElement subscribe(JsonObject a) throws Exception {
		String name = Lines.text(a, "channel");
		Subscription subscription = new Subscription();
		if (name.startsWith("presence-"))
			client.subscribePresence(name, subscription, EVENTS);
		else if (name.startsWith("private-encrypted-"))
			client.subscribePrivateEncrypted(name, subscription, EVENTS);
		else if (name.startsWith("private-"))
			client.subscribePrivate(name, subscription, EVENTS);
		else
			client.subscribe(name, subscription, EVENTS);
		return subscription.members.get(WAIT_S, TimeUnit.SECONDS);
	}

	private static JsonElement unsubscribe(JsonObject a) {
		client.unsubscribe(Lines.text(a, "channel"));
		return null;
	}

	private static JsonElement trigger(JsonObject a) {
		String name = Lines.text(a, "channel");
		String data = a.get("data").toString();
		if (name.startsWith("presence-"))
			client.getPresenceChannel(name).trigger(Lines.text(a, "event"), data);
		else
			client.getPrivateChannel(name).trigger(Lines.text(a, "event"), data);
		return null;
	}

	/** The library tells nobody that the user is signed in: its id appears. */
	private static JsonElement signIn(JsonObject a) throws Exception {
		client.user().bindGlobal(event -> Lines.report("#user", event.getEventName(), parsed(event.getData())));
		client.signin();
		for (int i = 0; client.user().userId() == null && i < WAIT_S * 100; i++)
			Thread.sleep(10);
		return Lines.textOrNull(client.user().userId());
	}

	/** What an event carries: JSON as a rule, else a text. */
	private static JsonElement parsed(String data) {
		try {
			return JsonParser.parseString(data);
		} catch (JsonSyntaxException e) {
			return new JsonPrimitive(data);
		}
	}

	private static class Connection implements ConnectionEventListener {
		@Override
		public void onConnectionStateChange(ConnectionStateChange change) {
			if (change.getCurrentState() == ConnectionState.CONNECTED)
				connected.complete(new JsonPrimitive(client.getConnection().getSocketId()));
			if (change.getCurrentState() == ConnectionState.DISCONNECTED)
				Lines.report(null, "disconnected", null);
		}

		@Override
		public void onError(String message, String code, Exception e) {
			Lines.report(null, "error", code == null ? null : new JsonPrimitive(Integer.valueOf(code)));
			connected.completeExceptionally(new IllegalStateException("refused with " + code + ": " + message));
		}
	}

	/** What happens on a channel of any kind. */
	private static class Subscription implements PresenceChannelEventListener, PrivateEncryptedChannelEventListener {
		final CompletableFuture<JsonElement> members = new CompletableFuture<>();

		@Override
		public void onSubscriptionSucceeded(String channel) {
			if (!channel.startsWith("presence-"))
				members.complete(new JsonArray());
		}

		@Override
		public void onUsersInformationReceived(String channel, Set<User> users) {
			Set<String> names = new TreeSet<>();
			for (User user : users)
				names.add(nameOf(user));
			JsonArray sorted = new JsonArray();
			names.forEach(sorted::add);
			members.complete(sorted);
		}

		@Override
		public void userSubscribed(String channel, User user) {
			Lines.report(channel, "joined", new JsonPrimitive(nameOf(user)));
		}

		@Override
		public void userUnsubscribed(String channel, User user) {
			Lines.report(channel, "left", new JsonPrimitive(nameOf(user)));
		}

		@Override
		public void onEvent(PusherEvent event) {
			Lines.report(event.getChannelName(), event.getEventName(), parsed(event.getData()));
		}

		@Override
		public void onAuthenticationFailure(String message, Exception e) {
			members.completeExceptionally(e);
		}

		@Override
		public void onDecryptionFailure(String event, String reason) {
			Lines.report(null, "error", new JsonPrimitive(event + ": " + reason));
		}

		private static String nameOf(User user) {
			return JsonParser.parseString(user.getInfo()).getAsJsonObject().get("name").getAsString();
		}
	}
}
