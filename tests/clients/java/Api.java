import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.pusher.rest.Pusher;
import com.pusher.rest.data.Event;
import com.pusher.rest.data.PresenceUser;
import com.pusher.rest.data.Result;
import com.pusher.rest.data.Validity;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The server library pusher-http-java, as a driver of the SDK matrix (matrix/player.mjs). */
class Api {
	private static Pusher sdk;

	public static void main(String[] args) throws IOException {
		Lines.serve(Map.of(
				"open", Api::open,
				"publish", Api::publish,
				"batch", Api::batch,
				"channels", Api::channels,
				"channel", Api::channel,
				"users", Api::users,
				"authorize", Api::authorize,
				"webhook", Api::webhook));
	}

	private static JsonElement open(JsonObject a) {
		sdk = new Pusher(Lines.text(a, "appId"), Lines.text(a, "key"), Lines.text(a, "secret"), Lines.text(a, "encryptionKey"));
		sdk.setHost(Lines.text(a, "host") + ":" + a.get("port").getAsInt());
		return null;
	}

	private static JsonElement publish(JsonObject a) {
		List<String> channels = new ArrayList<>();
		for (JsonElement channel : a.getAsJsonArray("channels"))
			channels.add(channel.getAsString());
		return answer(sdk.trigger(channels, Lines.text(a, "event"), a.get("data"), Lines.text(a, "socketId")));
	}

	private static JsonElement batch(JsonObject a) {
		List<Event> events = new ArrayList<>();
		for (JsonElement element : a.getAsJsonArray("events")) {
			JsonObject event = element.getAsJsonObject();
			events.add(new Event(Lines.text(event, "channel"), Lines.text(event, "name"), event.get("data")));
		}
		return answer(sdk.trigger(events));
	}

	private static JsonElement channels(JsonObject a) {
		Map<String, String> query = Map.of("filter_by_prefix", Lines.text(a, "prefix"), "info", Lines.text(a, "info"));
		return answer(sdk.get("/channels", query)).getAsJsonObject().get("channels");
	}

	private static JsonElement channel(JsonObject a) {
		return answer(sdk.get("/channels/" + Lines.text(a, "channel"), Map.of("info", Lines.text(a, "info"))));
	}

	private static JsonElement users(JsonObject a) {
		JsonElement answer = answer(sdk.get("/channels/" + Lines.text(a, "channel") + "/users"));
		JsonArray ids = new JsonArray();
		for (JsonElement user : answer.getAsJsonObject().getAsJsonArray("users"))
			ids.add(user.getAsJsonObject().get("id"));
		return ids;
	}

	private static JsonElement authorize(JsonObject a) {
		String socket = Lines.text(a, "socketId");
		String channel = Lines.text(a, "channel");
		if (!a.has("member"))
			return JsonParser.parseString(sdk.authenticate(socket, channel));
		JsonObject member = a.getAsJsonObject("member");
		PresenceUser user = new PresenceUser(member.get("user_id").getAsInt(), member.get("user_info"));
		return JsonParser.parseString(sdk.authenticate(socket, channel, user));
	}

	private static JsonElement webhook(JsonObject a) {
		String body = Lines.text(a, "body");
		Validity validity = sdk.validateWebhookSignature(Lines.text(a, "key"), Lines.text(a, "signature"), body);
		return validity == Validity.VALID ? JsonParser.parseString(body).getAsJsonObject().get("events") : null;
	}

	private static JsonElement answer(Result result) {
		if (result.getStatus() != Result.Status.SUCCESS)
			throw new IllegalStateException(result.getHttpStatus() + " " + result.getMessage());
		return JsonParser.parseString(result.getMessage());
	}
}
