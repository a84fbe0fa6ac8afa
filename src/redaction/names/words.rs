//! Word lists in small letters, separated by blanks.

/// Words that begin sentences or are often capitalised, and are no names by themselves: they tell nothing, capital or not.
pub(in crate::redaction) const ORDINARY: &str = "
a able about above absolutely account actually add address after afternoon again ah all almost already alright also always am amazing an
and another any anyone anything anyway apparently appointment appreciate april are aren't around as ask at august available awesome away
back bad bank because been before being best better between big bill bless book booked booking both bot brilliant bring but buy by bye call
called can can't cannot card certainly change check cheers choose click close code come complete confirm confirmed contact cool correct
cost could couldn't customer day days dear december definitely delivery details did didn't different do does doesn't doing don't done
double each early easy either else email end english enjoy enter error even evening event ever every everything exactly excellent excuse
extra fantastic farewell february few fine find first flight for forward found free friday from full fun further get getting give glad go
going gonna good goodbye got gotcha great ha had hang happy has hasn't have haven't having he he's hello help her here here's hey hi him his
hmm hold home hope hotel house how how's however i i'd i'll i'm i've if important in indeed info information instead is isn't it it'll it's
its january july june just keep kindly know large last late later least leave left let let's like line list little long look looking lot
love made make many march may maybe me mean meanwhile message might mind mine minute miss moment monday money month more morning most movie
mr much must my nah name need never new next nice night no none nope not nothing november now number october of off oh ok okay old on once
one only oops open option or order other our ours out over own paid party pay payment people perfect perhaps phone pick place please plus
pm possible price probably problem put question quick quite rather read ready really reason received regarding remind request reservation
restaurant return right room same saturday saw say search second see seems select send sent september service set several shall she she's
should show sir small so some someone something soon sorry sounds sound speak start started still stop such sunday super sure surely
table take talk tell terrible text than thank thanks that that'll that's the their them then there there's these they they're thing think
this those though thought three thursday ticket tickets time to today together tomorrow tonight too total true try tuesday two type
understand understood unfortunately until up update us usd use user using usually very wait wanna want was wasn't watch way we we'd we'll
we're we've wednesday week welcome well were what what's whatever when where where's which while who who's whole why will with within
without wonderful wonder won't work works would wow write wrong yeah year yep yes yesterday yet you you'd you'll you're you've your yours
yup am pm tv atm pin id url usa uk eu us faq api app sms otp asap fyi btw lol omg pdf wifi vip rsvp eta ac dj i.e e.g
rose grant mark will bill hope faith grace joy summer autumn may june april august sunny art hunter mason cook smith baker
hurray hooray yay ugh aww huh sweet neat lovely noted agreed affirmative negative alternatively additionally also currently finally
initially lastly otherwise overall recently similarly therefore thus whenever wherever whichever apologies congrats congratulations
greetings hurry nevermind ouch presumably regards sincerely yours best cheers assistant agent system human";

/// Words that go with names, streets and towns.
pub(in crate::redaction) const CUES: &str = "
mr mrs ms miss mister madam sir dr prof professor dear regards sincerely signed named called name's names surname firstname lastname im ich
avenue ave street str road rd lane drive boulevard blvd court square apartment apt suite flat postcode zip zipcode city town village county
state live lives living address located moved born strasse platz rue calle via plaza name nom nombre nome naam imie herr frau monsieur
madame senor senora signor signora husband wife son daughter mother father brother sister mom dad boss colleague friend speaking attn";

/// Given names that chats write in small letters, without those that are ordinary words.
pub(in crate::redaction) const GIVEN: &str = "
aaron abdul abigail adam adele adrian agnes ahmed aisha alan albert alejandro alex alexander alexandra alexis ali alice alicia alison
amanda amber amelia amit amy ana andrea andreas andrei andrew andy angela anita anja ann anna anne annie anthony antonio anya aria ariana
arjun arthur ashley audrey ava barbara beatrice ben benjamin bernard beth bethany betty beverly bianca bob bobby bradley brandon brenda
brian brittany bruno bryan caleb cameron camila carl carla carlos carmen carol caroline catherine cecilia charles charlie charlotte chen
chloe chris christian christina christine christopher claire clara claudia colin connor craig crystal cynthia daniel daniela danielle
david deborah debra denise dennis derek diana diane diego dmitri dominic donald donna dorothy douglas dylan edith eduardo edward eileen
elaine eleanor elena elias elijah elizabeth ella ellen emily emma enrique eric erica erik erin esther ethan eva evan evelyn fatima felix
fernando fiona florence frances francesca francis francisco frank gabriel gabriela gary george gerald gina gloria gonzalo gordon greg
gregory guillermo gustavo hannah hans harold harry hassan heather hector heidi helen helena henry hiroshi howard hugo ian ibrahim ines
ingrid irene iris isaac isabel isabella ivan jack jackie jacob jacqueline jake james jamie jan jane janet janice jared jasmine jason javier
jean jeff jeffrey jennifer jenny jeremy jerry jesse jessica jill jim jimmy joan joanna joe joel johan johanna john johnny jonas jonathan
jordan jorge jose joseph joshua juan juanita judith judy julia julian julie justin kaitlyn karen karl karla kate katherine kathleen
kathryn katie keith kelly ken kenneth kevin kim kimberly klaus krishna kristen kristin kumar kurt kyle lara larry laura lauren laurie
lawrence lea leah lee lena leo leon leonardo leslie liam lily linda lisa liz logan lorenzo louis louise lucas lucia lucy luis luka lukas
luke lydia madeline madison magdalena manuel marc marcel marco marcus margaret maria marie marina mario marion marta martha martin mary
mateo matt matthew matthias maureen max megan mehmet mei melanie melissa mia michael michaela michelle miguel mike mila mohamed mohammed
molly monica monika muhammad nancy natalia natalie natasha nathan neha neil nicholas nick nicolas nicole nigel nina noah nora olga olivia
oliver omar oscar owen pablo pamela paolo patricia patrick paul paula pauline pedro penelope peter petra philip phillip phoebe pierre
priya rachel rafael rahul raj ralph ramon raquel raymond rebecca renee ricardo richard rita robert roberto robin rodrigo roger roman ronald
rosa rosemary roy ruben russell ruth ryan sabrina sally sam samantha samuel sandra sanjay santiago sara sarah scott sean sebastian sergei
sergio shannon sharon sheila shirley simon simone sofia sonia sophia sophie stacy stanley stefan stefanie stella stephanie stephen steve
steven stuart sue susan suzanne sven svetlana sylvia tamara tanya tara teresa theodore theresa thomas tiffany tim timothy tina todd tom
tommy tony tracy travis trevor tyler ursula valentina valerie vanessa vera veronica vicky victor victoria vijay vincent vladimir walter
wanda wayne wei wendy wilhelm william wolfgang yasmin yolanda yuki yusuf yvonne zachary zoe
brown johnson williams jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson taylor jackson martin perez
thompson sanchez clark ramirez lewis robinson walker wright torres nguyen flores patel singh kowalski schmidt schneider mueller rossi";
