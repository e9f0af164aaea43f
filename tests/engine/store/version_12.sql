BEGIN TRANSACTION;
CREATE TABLE accounts (
	"key" TEXT NOT NULL, 
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	maker TEXT NOT NULL, 
	sealed TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE automations (
	id VARCHAR(8) NOT NULL, 
	guild TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	maker TEXT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	setting TEXT NOT NULL, 
	space TEXT NOT NULL, 
	api_name TEXT NOT NULL, 
	command TEXT NOT NULL, 
	given JSON NOT NULL, 
	answer VARCHAR(16) NOT NULL, 
	target TEXT NOT NULL, 
	rate INTEGER NOT NULL, 
	paused BOOLEAN NOT NULL, 
	problem TEXT NOT NULL, 
	failures INTEGER NOT NULL, 
	due FLOAT, 
	created FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE blocked_spaces (
	name TEXT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE chosen_chats (
	channel TEXT NOT NULL, 
	space TEXT NOT NULL, 
	api_name TEXT NOT NULL, 
	PRIMARY KEY (channel)
);
INSERT INTO "chosen_chats" VALUES('22','o/n','/chat');
CREATE TABLE conversations (
	id VARCHAR(12) NOT NULL, 
	space TEXT NOT NULL, 
	api_name TEXT NOT NULL, 
	command TEXT NOT NULL, 
	user TEXT NOT NULL, 
	mention TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	guild TEXT, 
	addressed BOOLEAN NOT NULL, 
	open BOOLEAN NOT NULL, 
	session VARCHAR(32) NOT NULL, 
	process TEXT, 
	given JSON NOT NULL, 
	history JSON, 
	"before" JSON, 
	answer JSON NOT NULL, 
	created FLOAT NOT NULL, 
	used FLOAT NOT NULL, 
	ended FLOAT, 
	account TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "conversations" VALUES('cccccccccccc','o/n','/chat','/falcon','1','<@1>','22','33',0,0,'ssssssssssssssssssssssssssssssss',NULL,'{}','null','null','["78"]',1.0,2.0,NULL,NULL);
CREATE TABLE favourites (
	user TEXT NOT NULL, 
	job VARCHAR(12) NOT NULL, 
	created FLOAT NOT NULL, 
	PRIMARY KEY (user, job)
);
INSERT INTO "favourites" VALUES('1','aaaaaaaaaaaa',1.79580272928048658375e+09);
CREATE TABLE guild_commands (
	guild TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	commands JSON NOT NULL, 
	created JSON NOT NULL, 
	pending BOOLEAN NOT NULL, 
	registered FLOAT NOT NULL, 
	PRIMARY KEY (guild)
);
CREATE TABLE job_counts (
	guild TEXT NOT NULL, 
	user TEXT NOT NULL, 
	day INTEGER NOT NULL, 
	jobs INTEGER NOT NULL, 
	PRIMARY KEY (guild, user, day)
);
CREATE TABLE jobs (
	id VARCHAR(12) NOT NULL, 
	space TEXT NOT NULL, 
	api_name TEXT NOT NULL, 
	command TEXT NOT NULL, 
	user TEXT NOT NULL, 
	mention TEXT NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	given JSON NOT NULL, 
	place JSON NOT NULL, 
	result JSON, 
	conversation TEXT, 
	created FLOAT NOT NULL, 
	ended FLOAT, 
	message TEXT, 
	chain JSON, 
	page_ran JSON, 
	account TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "jobs" VALUES('aaaaaaaaaaaa','o/n','/run','/paint','1','<@1>','done','{"text": "a cat"}','{"application": 1, "token": "", "created": 1.0, "user": 1, "channel": 22, "guild": 33, "message": 77, "thread": null, "private": false, "more": [], "origin": null, "automation": "", "file_limit": 10485760, "nsfw": false}','["x"]',NULL,1.0,2.0,'77','null','null','');
INSERT INTO "jobs" VALUES('bbbbbbbbbbbb','o/n','/run','/paint','1','<@1>','sent','{"text": "a dog"}','{"application": 1, "token": "", "created": 1.0, "user": 1, "channel": 22, "guild": 33, "message": 77, "thread": null, "private": false, "more": [], "origin": null, "automation": "", "file_limit": 10485760, "nsfw": false}','null',NULL,2.0,NULL,NULL,'null','null',NULL);
CREATE TABLE schema_version (
	version INTEGER
);
INSERT INTO "schema_version" VALUES(12);
CREATE TABLE server_limits (
	guild TEXT NOT NULL, 
	member_jobs INTEGER, 
	role_jobs JSON NOT NULL, 
	running INTEGER, 
	waiting INTEGER, 
	chat_channels JSON NOT NULL, 
	run_access TEXT NOT NULL, 
	blocked_members JSON NOT NULL, 
	blocked_words JSON NOT NULL, 
	log_channel TEXT NOT NULL, 
	log_prompts BOOLEAN NOT NULL, 
	log_maker TEXT NOT NULL, 
	PRIMARY KEY (guild)
);
CREATE TABLE server_spaces (
	id VARCHAR(12) NOT NULL, 
	guild TEXT NOT NULL, 
	name TEXT NOT NULL, 
	space TEXT NOT NULL, 
	adder TEXT NOT NULL, 
	endpoint TEXT, 
	description TEXT NOT NULL, 
	answer VARCHAR(16) NOT NULL, 
	nsfw BOOLEAN NOT NULL, 
	paused BOOLEAN NOT NULL, 
	title TEXT NOT NULL, 
	chats BOOLEAN NOT NULL, 
	problem TEXT NOT NULL, 
	told BOOLEAN NOT NULL, 
	read FLOAT NOT NULL, 
	created FLOAT NOT NULL, 
	payload BLOB NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (guild, name)
);
CREATE TABLE space_descriptions (
	space TEXT NOT NULL, 
	account VARCHAR(32) NOT NULL, 
	packed BLOB NOT NULL, 
	read FLOAT NOT NULL, 
	used FLOAT NOT NULL, 
	PRIMARY KEY (space, account)
);
CREATE TABLE turns (
	job VARCHAR(12) NOT NULL, 
	conversation VARCHAR(12) NOT NULL, 
	user TEXT NOT NULL, 
	mention TEXT NOT NULL, 
	name TEXT NOT NULL, 
	message TEXT, 
	text TEXT NOT NULL, 
	files JSON NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	answer TEXT NOT NULL, 
	answer_files JSON NOT NULL, 
	created FLOAT NOT NULL, 
	PRIMARY KEY (job)
);
INSERT INTO "turns" VALUES('000000000001','cccccccccccc','1','<@1>','Ada','81','it''s 1 🎉','[{"file": {"name": "a.png", "path": "/data/uploads/x/a.png", "size": 3, "mime": null, "url": null, "problem": null, "folder": "/data/uploads/x"}}]','done','**yo**','["b.png"]',1.0);
INSERT INTO "turns" VALUES('000000000002','cccccccccccc','1','<@1>','Ada','82','it''s 2 🎉','[]','stopped','half','[]',2.0);
INSERT INTO "turns" VALUES('000000000003','cccccccccccc','1','<@1>','Ada','83','it''s 3 🎉','[]','failed','','[]',3.0);
INSERT INTO "turns" VALUES('000000000004','cccccccccccc','1','<@1>','Ada','84','it''s 4 🎉','[]','lost','','[]',4.0);
INSERT INTO "turns" VALUES('000000000005','cccccccccccc','1','<@1>','Ada','85','it''s 5 🎉','[]','sent','','[]',5.0);
INSERT INTO "turns" VALUES('000000000006','cccccccccccc','1','<@1>','Ada','86','it''s 6 🎉','[]','waiting','','[]',6.0);
INSERT INTO "turns" VALUES('999999999999','dddddddddddd','1','<@1>','Ada',NULL,'of no conversation','[]','waiting','','[]',9.0);
CREATE INDEX ix_jobs_message ON jobs (message);
CREATE INDEX ix_jobs_created ON jobs (created);
CREATE INDEX ix_jobs_unfinished ON jobs (created) WHERE state IN ('waiting', 'sent', 'posting');
CREATE INDEX ix_jobs_user_created ON jobs (user, created);
CREATE INDEX ix_conversations_used ON conversations (used);
CREATE INDEX ix_turns_unfinished ON turns (created) WHERE state IN ('waiting', 'sent', 'posting');
CREATE INDEX ix_turns_conversation ON turns (conversation);
CREATE INDEX ix_space_descriptions_used ON space_descriptions (used);
CREATE INDEX ix_server_spaces_space ON server_spaces (space);
CREATE INDEX ix_job_counts_day ON job_counts (day);
CREATE INDEX ix_favourites_job ON favourites (job);
COMMIT;
